package lorikeet.kernels;

import java.util.List;

/**
 * Linear layers that read the same input, computed together: q, k and v, or gate and up, or a single layer. Their
 * outputs stand side by side in one row, in the order of {@code parts}.
 *
 * @param parts at least one layer; all have the same input length
 */
public record Projection(List<Linear> parts) {
    public Projection {
        parts = List.copyOf(parts);
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("a projection without layers");
        }
        int in = parts.getFirst().in();
        for (Linear part : parts) {
            if (part.in() != in) {
                throw new IllegalArgumentException("layers with inputs of " + in + " and " + part.in());
            }
        }
    }

    /** Length of an input row. */
    public int in() {
        return parts.getFirst().in();
    }

    /** Length of an output row: the sum over the parts. */
    public int out() {
        int sum = 0;
        for (Linear part : parts) {
            sum += part.out();
        }
        return sum;
    }
}
