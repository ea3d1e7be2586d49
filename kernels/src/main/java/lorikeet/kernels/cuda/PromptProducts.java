package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;

/** The base model's products of any number of rows, to the bits of {@link DecodeProducts}; see prompt_product.cu. */
final class PromptProducts {
    /** The size of the struct {@code PromptProduct} of prompt_product.cuh. */
    static final long BYTES = MatVec.BYTES + 8;

    /** Rows of a tile, of which there is a kernel for each; the last one is the fastest for many rows. */
    static final List<Integer> TILE_ROWS = List.of(64, 128, 256);

    private static final int OUT = DecodeProducts.OUT;
    private static final int STAGES = 4;
    private static final int STAGE_ROW_BYTES = 128;
    private static final int THREADS = 256;

    private final Kernels kernels;
    private final DecodeProducts decodeProducts;
    private final CudaStream stream;

    PromptProducts(Kernels kernels, DecodeProducts decodeProducts, CudaStream stream) {
        this.kernels = kernels;
        this.decodeProducts = decodeProducts;
        this.stream = stream;
    }

    /** Dynamic shared memory of a block of the kernel whose tiles have so many rows. */
    static int sharedBytes(int tileRows) {
        return STAGES * (OUT + tileRows) * STAGE_ROW_BYTES + Float.BYTES * tileRows * OUT;
    }

    /** Which of the first so many kernels of {@link #TILE_ROWS} takes these rows: the first that has one tile for them. */
    static int kernel(int rows, int kernels) {
        int index = 0;
        while (index < kernels - 1 && rows > TILE_ROWS.get(index)) {
            index++;
        }
        return index;
    }

    /**
     * Puts a product into the stream.
     *
     * @param rows at least as many as there are
     * @param outputs whether it is of the wanted rows, into F32, instead of the step's tokens, into BF16
     */
    void run(CurrentStep step, int rows, boolean outputs, Matrix in, List<Linear> layers, Matrix out) {
        int index = kernel(rows, kernels.promptProduct.length);
        int tileRows = TILE_ROWS.get(index);
        KernelLaunch kernel = kernels.promptProduct[index];
        MemorySegment call = kernel.argument(1);
        MatVec.write(call, in, layers, out);
        call.set(JAVA_INT, MatVec.BYTES, decodeProducts.blocks(in, layers));
        call.set(JAVA_INT, MatVec.BYTES + 4, outputs ? 1 : 0);
        kernel.grid(Math.ceilDiv(rows, tileRows), MatVec.tiles(layers, OUT), 1)
                .block(THREADS, 1, 1, sharedBytes(tileRows))
                .set(0, step.address())
                .launch(stream.handle());
    }
}
