package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.Norm;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Rows that product_add_norm or product_adapted has left without their factors: the next product multiplies by them, and
 * before anything else reads the rows, or writes what they are made of, they are normed anew. One at a time; a step leaves
 * none behind.
 */
final class UnfinishedNorm {
    private final CudaRows rows;
    private final TileSquares squares;

    private @Nullable Of of;

    private record Of(CurrentStep step, Matrix residual, Norm norm, Matrix out) {}

    UnfinishedNorm(CudaRows rows, TileSquares squares) {
        this.rows = rows;
        this.squares = squares;
    }

    /** Writes the struct {@code TileSquares} for the launch that leaves the rows {@code out}; there must be no others. */
    void leave(MemorySegment to, CurrentStep step, Matrix residual, Norm norm, Matrix out) {
        if (of != null) {
            throw new IllegalStateException("rows without their factors are left");
        }
        of = new Of(step, residual, norm, out);
        squares.write(to, norm, residual.cols());
    }

    /** Writes the struct for a product with {@code in}, which finishes these rows if they are the ones. */
    void finish(MemorySegment to, Matrix in) {
        Of unfinished = of;
        if (unfinished == null || unfinished.out().data().address() != in.data().address()) {
            squares.write(to, null, in.cols());
            return;
        }
        squares.write(to, unfinished.norm(), in.cols());
        of = null;
    }

    /** Finishes the rows, if there are any. */
    void settle() {
        Of unfinished = of;
        if (unfinished != null) {
            of = null;
            rows.norm(unfinished.step(), unfinished.residual(), unfinished.norm(), unfinished.out());
        }
    }

    /** Forgets those of a step that failed. */
    void forget() {
        of = null;
    }
}
