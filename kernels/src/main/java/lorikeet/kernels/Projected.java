package lorikeet.kernels;

import lorikeet.memory.Matrix;

/**
 * Where a projection's result goes. A device may leave the adapters' part of the result pending (the shrunk inputs in
 * its own scratch memory) until the operation that reads it, so that the expansion costs no kernel of its own; only the
 * operations of {@link Operations} may read {@code values}.
 *
 * @param projection what is computed
 * @param values {@code [rows, projection.out()]}, F32 on the CPU; allocated by the device
 */
public record Projected(Projection projection, Matrix values) {
    public Projected {
        if (values.cols() != projection.out()) {
            throw new IllegalArgumentException("rows of " + values.cols() + " for " + projection.out() + " outputs");
        }
    }
}
