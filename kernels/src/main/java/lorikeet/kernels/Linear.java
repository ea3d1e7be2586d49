package lorikeet.kernels;

import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * One linear layer of the base model, {@code y = x Wᵀ + bias}, in the memory of a device.
 *
 * @param weight {@code [out, in]}, F32, F16 or BF16
 * @param bias {@code [1, out]}, or null
 * @param slot the number by which adapters refer to this layer, see {@link AdapterWeights#at}
 */
public record Linear(Matrix weight, @Nullable Matrix bias, int slot) {
    public Linear {
        if (bias != null && (bias.rows() != 1 || bias.cols() != weight.rows())) {
            throw new IllegalArgumentException(
                    "a bias of " + bias.cols() + " elements for " + weight.rows() + " outputs");
        }
    }

    /** Length of an input row. */
    public int in() {
        return weight.cols();
    }

    /** Length of an output row. */
    public int out() {
        return weight.rows();
    }
}
