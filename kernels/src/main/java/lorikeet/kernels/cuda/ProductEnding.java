package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.memory.Matrix;

/** The struct {@code ProductEnding} of product_ending.cuh: how a product finishes its projection in the same launch. */
final class ProductEnding {
    /** EndingKind. */
    static final int ROTATE = 0;

    static final int GATE = 1;
    static final int ADD_NORM = 2;

    /** Where other structs begin in it. */
    static final long ROTATION = 8;

    static final long NORM = ROTATION + Rotation.BYTES;
    static final long SQUARES = NORM + NormWeight.BYTES;

    private static final long RESIDUAL = SQUARES + TileSquares.BYTES;
    private static final long OUT = RESIDUAL + Long.BYTES;

    static final long BYTES = OUT + Long.BYTES;

    private ProductEnding() {}

    /** Writes the kind and where results go to the beginning of {@code to}. */
    static void write(MemorySegment to, int kind, Matrix out) {
        to.set(JAVA_INT, 0, kind);
        to.set(JAVA_LONG, OUT, out.data().address());
    }

    /** The same of a product that is added to the residual. */
    static void write(MemorySegment to, int kind, Matrix residual, Matrix out) {
        write(to, kind, out);
        to.set(JAVA_LONG, RESIDUAL, residual.data().address());
    }
}
