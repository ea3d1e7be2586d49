package lorikeet.kernels.cuda;

import java.util.Optional;

/**
 * Which models the GPU's kernels take. Rows of the residual stream and heads of the KV cache are read 16 bytes at a time,
 * so both must be multiples of 8 elements. All other dimensions may have any size: where a row of the gated products, a
 * rank or a vocabulary isn't a multiple of 8, the kernels read element by element.
 */
public final class CudaShapes {
    private static final int ELEMENTS = 8;
    private static final int MOST_HEAD_SIZE = 256;

    private CudaShapes() {}

    /**
     * Why a model can't run on a GPU, in one line that names the dimension; empty if it can.
     *
     * @param hidden length of a row of the residual stream
     * @param headSize components of a head
     */
    public static Optional<String> refusal(int hidden, int headSize) {
        if (hidden % ELEMENTS != 0) {
            return Optional.of("the model's hidden size is " + hidden + ", the GPU takes multiples of " + ELEMENTS);
        }
        if (headSize % ELEMENTS != 0 || headSize > MOST_HEAD_SIZE) {
            return Optional.of("the model's head size is " + headSize + ", the GPU takes multiples of " + ELEMENTS
                    + " up to " + MOST_HEAD_SIZE);
        }
        return Optional.empty();
    }

    /**
     * Why a model that a GPU takes can't run where results must not depend on the batch, in one line; empty if it can.
     *
     * @param intermediate length of the gated products' rows, which a product reads
     */
    public static Optional<String> invariantRefusal(int intermediate) {
        return intermediate % ELEMENTS == 0
                ? Optional.empty()
                : Optional.of("the model's intermediate size is " + intermediate + ", the GPU takes multiples of "
                        + ELEMENTS + " where results must not depend on the batch");
    }
}
