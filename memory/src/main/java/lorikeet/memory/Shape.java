package lorikeet.memory;

import java.util.Arrays;

/** The sizes of a tensor's dimensions, outermost first. Immutable; a scalar has none. */
public final class Shape {
    private final long[] dims;
    private final long elements;

    private Shape(long[] dims) {
        long product = 1;
        for (long dim : dims) {
            if (dim < 0) {
                throw new IllegalArgumentException("negative size in " + Arrays.toString(dims));
            }
            product = Math.multiplyExact(product, dim);
        }
        this.dims = dims;
        this.elements = product;
    }

    /**
     * The shape with these sizes.
     *
     * @throws IllegalArgumentException if one is negative
     * @throws ArithmeticException if their product, taken from the left, doesn't fit a long
     */
    public static Shape of(long... dims) {
        return new Shape(dims.clone());
    }

    /** The number of dimensions. */
    public int rank() {
        return dims.length;
    }

    /** The size of dimension {@code i}, 0 being the outermost. */
    public long dim(int i) {
        return dims[i];
    }

    /** The product of the sizes; 1 for a scalar. */
    public long elements() {
        return elements;
    }

    /** The sizes in an array of the caller's own. */
    public long[] toArray() {
        return dims.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    /** As safetensors and PyTorch write it: {@code [4096, 16]}. */
    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
