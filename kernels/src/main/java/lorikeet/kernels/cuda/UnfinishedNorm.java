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

    // Of the rows, if there are any; fields of their own, as every step has some.
    private @Nullable CurrentStep step;
    private @Nullable Matrix residual;
    private @Nullable Norm norm;
    private @Nullable Matrix out;

    UnfinishedNorm(CudaRows rows, TileSquares squares) {
        this.rows = rows;
        this.squares = squares;
    }

    /**
     * Writes the struct {@code TileSquares} to {@code at} of {@code to}, for the launch that leaves the rows {@code out}; there
     * must be no others.
     */
    void leave(MemorySegment to, long at, CurrentStep step, Matrix residual, Norm norm, Matrix out) {
        if (this.out != null) {
            throw new IllegalStateException("rows without their factors are left");
        }
        this.step = step;
        this.residual = residual;
        this.norm = norm;
        this.out = out;
        squares.write(to, at, norm, residual.cols());
    }

    /** Writes the struct for a product with {@code in}, which finishes these rows if they are the ones. */
    void finish(MemorySegment to, long at, Matrix in) {
        Matrix rowsLeft = out;
        boolean these =
                rowsLeft != null && rowsLeft.data().address() == in.data().address();
        squares.write(to, at, these ? norm : null, in.cols());
        if (these) {
            forget();
        }
    }

    /** Finishes the rows, if there are any. */
    void settle() {
        if (step != null && residual != null && norm != null && out != null) {
            rows.norm(step, residual, norm, out);
            forget();
        }
    }

    /** Forgets those of a step that failed. */
    void forget() {
        step = null;
        residual = null;
        norm = null;
        out = null;
    }
}
