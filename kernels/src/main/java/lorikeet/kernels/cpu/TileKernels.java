package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.INTS;
import static lorikeet.kernels.cpu.Vectors.ORDER;
import static lorikeet.kernels.cpu.WeightRows.ODD;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * The inner loops of matrix products: they carry the partial sums of a few rows of the weight with the rows of one input
 * tile further, over some blocks.
 *
 * <p>The sum of row {@code r} with input {@code t} is kept as partial sums at {@code (r * width + t) * SUM_BYTES}: one
 * for each place in a block. Every kernel adds the products of the blocks to them in ascending order with one rounding each,
 * so a sum doesn't depend on which kernel computes it, nor on where a loop is interrupted.
 *
 * <p>The shapes are what the 16 vector registers of AVX2 hold without spilling. Vectors are loaded and stored by their
 * own methods: past some size of a body, C2 seems to inline only what the JDK marks for it, and a helper of our own was
 * then a call that allocates every vector.
 */
final class TileKernels {
    /** Bytes of the partial sums of one output. */
    static final int SUM_BYTES = 2 * BYTES;

    /** Rows of the weight that {@link #panel} takes together. */
    static final int PANEL_ROWS = 2;

    /** Rows of the input tiles that {@link #panel} takes. */
    static final int PANEL_WIDTH = 4;

    private TileKernels() {}

    /**
     * Two converted rows with four inputs; one of the two halves of each block.
     *
     * @param w two rows as {@link WeightRows#convert} puts them together, {@code wAt} at the first block
     * @param x a tile of four rows, {@code xAt} at the first block
     * @param bytes how far to go in w: two vectors for each block
     */
    static void panel(MemorySegment w, long wAt, MemorySegment x, long xAt, int bytes, MemorySegment sums, long at) {
        FloatVector s00 = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector s01 = FloatVector.fromMemorySegment(FLOATS, sums, at + SUM_BYTES, ORDER);
        FloatVector s02 = FloatVector.fromMemorySegment(FLOATS, sums, at + 2L * SUM_BYTES, ORDER);
        FloatVector s03 = FloatVector.fromMemorySegment(FLOATS, sums, at + 3L * SUM_BYTES, ORDER);
        FloatVector s10 = FloatVector.fromMemorySegment(FLOATS, sums, at + 4L * SUM_BYTES, ORDER);
        FloatVector s11 = FloatVector.fromMemorySegment(FLOATS, sums, at + 5L * SUM_BYTES, ORDER);
        FloatVector s12 = FloatVector.fromMemorySegment(FLOATS, sums, at + 6L * SUM_BYTES, ORDER);
        FloatVector s13 = FloatVector.fromMemorySegment(FLOATS, sums, at + 7L * SUM_BYTES, ORDER);
        // C2 doesn't unroll a loop whose step is larger than its vectors. Unrolled, this one would spill.
        for (int k = 0; k < bytes; k += 2 * BYTES) {
            FloatVector w0 = FloatVector.fromMemorySegment(FLOATS, w, wAt + k, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(FLOATS, w, wAt + BYTES + k, ORDER);
            FloatVector input = FloatVector.fromMemorySegment(FLOATS, x, xAt + 2L * k, ORDER);
            s00 = w0.fma(input, s00);
            s10 = w1.fma(input, s10);
            input = FloatVector.fromMemorySegment(FLOATS, x, xAt + BYTES + 2L * k, ORDER);
            s01 = w0.fma(input, s01);
            s11 = w1.fma(input, s11);
            input = FloatVector.fromMemorySegment(FLOATS, x, xAt + 2L * BYTES + 2L * k, ORDER);
            s02 = w0.fma(input, s02);
            s12 = w1.fma(input, s12);
            input = FloatVector.fromMemorySegment(FLOATS, x, xAt + 3L * BYTES + 2L * k, ORDER);
            s03 = w0.fma(input, s03);
            s13 = w1.fma(input, s13);
        }
        s00.intoMemorySegment(sums, at, ORDER);
        s01.intoMemorySegment(sums, at + SUM_BYTES, ORDER);
        s02.intoMemorySegment(sums, at + 2L * SUM_BYTES, ORDER);
        s03.intoMemorySegment(sums, at + 3L * SUM_BYTES, ORDER);
        s10.intoMemorySegment(sums, at + 4L * SUM_BYTES, ORDER);
        s11.intoMemorySegment(sums, at + 5L * SUM_BYTES, ORDER);
        s12.intoMemorySegment(sums, at + 6L * SUM_BYTES, ORDER);
        s13.intoMemorySegment(sums, at + 7L * SUM_BYTES, ORDER);
    }

    /**
     * One row of bf16, read where it lies, with one input.
     *
     * @param wAt of the first block
     * @param x a tile of one row, {@code xAt} at the first block
     * @param half from the first vectors of the tile to the second ones
     * @param bytes how far to go in w: one vector for each block
     */
    static void bf16x1(
            MemorySegment w, long wAt, MemorySegment x, long xAt, long half, int bytes, MemorySegment sums, long at) {
        FloatVector e0 = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector o0 = FloatVector.fromMemorySegment(FLOATS, sums, at + BYTES, ORDER);
        for (int k = 0; k < bytes; k += BYTES) {
            w.get(JAVA_BYTE, wAt + k); // See Vectors.faultsAreErrors.
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, wAt + k, ORDER);
            e0 = pairs.lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + k, ORDER), e0);
            o0 = pairs.lanewise(AND, ODD)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + half + k, ORDER), o0);
        }
        e0.intoMemorySegment(sums, at, ORDER);
        o0.intoMemorySegment(sums, at + BYTES, ORDER);
    }

    /** Two rows of bf16, the second one from {@code nextAt}, with one input: like {@link #bf16x1}, at less cost. */
    static void twoRowsBf16x1(
            MemorySegment w,
            long wAt,
            long nextAt,
            MemorySegment x,
            long xAt,
            long half,
            int bytes,
            MemorySegment sums,
            long at) {
        FloatVector e0 = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector o0 = FloatVector.fromMemorySegment(FLOATS, sums, at + BYTES, ORDER);
        FloatVector e1 = FloatVector.fromMemorySegment(FLOATS, sums, at + SUM_BYTES, ORDER);
        FloatVector o1 = FloatVector.fromMemorySegment(FLOATS, sums, at + SUM_BYTES + BYTES, ORDER);
        for (int k = 0; k < bytes; k += BYTES) {
            FloatVector even = FloatVector.fromMemorySegment(FLOATS, x, xAt + k, ORDER);
            FloatVector odd = FloatVector.fromMemorySegment(FLOATS, x, xAt + half + k, ORDER);
            w.get(JAVA_BYTE, wAt + k); // See Vectors.faultsAreErrors.
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, wAt + k, ORDER);
            e0 = pairs.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, e0);
            o0 = pairs.lanewise(AND, ODD).reinterpretAsFloats().fma(odd, o0);
            w.get(JAVA_BYTE, nextAt + k); // See Vectors.faultsAreErrors.
            IntVector next = IntVector.fromMemorySegment(INTS, w, nextAt + k, ORDER);
            e1 = next.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, e1);
            o1 = next.lanewise(AND, ODD).reinterpretAsFloats().fma(odd, o1);
        }
        e0.intoMemorySegment(sums, at, ORDER);
        o0.intoMemorySegment(sums, at + BYTES, ORDER);
        e1.intoMemorySegment(sums, at + SUM_BYTES, ORDER);
        o1.intoMemorySegment(sums, at + SUM_BYTES + BYTES, ORDER);
    }

    /**
     * One row of bf16 with two neighbouring inputs of a tile, like {@link #bf16x1}. More inputs at once would be a body
     * too large for C2.
     *
     * @param width rows of the tile
     */
    static void bf16x2(
            MemorySegment w,
            long wAt,
            MemorySegment x,
            long xAt,
            long half,
            int width,
            int bytes,
            MemorySegment sums,
            long at) {
        FloatVector e0 = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector o0 = FloatVector.fromMemorySegment(FLOATS, sums, at + BYTES, ORDER);
        FloatVector e1 = FloatVector.fromMemorySegment(FLOATS, sums, at + SUM_BYTES, ORDER);
        FloatVector o1 = FloatVector.fromMemorySegment(FLOATS, sums, at + SUM_BYTES + BYTES, ORDER);
        for (int k = 0; k < bytes; k += BYTES) {
            w.get(JAVA_BYTE, wAt + k); // See Vectors.faultsAreErrors.
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, wAt + k, ORDER);
            FloatVector even = pairs.lanewise(LSHL, 16).reinterpretAsFloats();
            FloatVector odd = pairs.lanewise(AND, ODD).reinterpretAsFloats();
            e0 = even.fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + (long) width * k, ORDER), e0);
            o0 = odd.fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + half + (long) width * k, ORDER), o0);
            e1 = even.fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + BYTES + (long) width * k, ORDER), e1);
            o1 = odd.fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + half + BYTES + (long) width * k, ORDER), o1);
        }
        e0.intoMemorySegment(sums, at, ORDER);
        o0.intoMemorySegment(sums, at + BYTES, ORDER);
        e1.intoMemorySegment(sums, at + SUM_BYTES, ORDER);
        o1.intoMemorySegment(sums, at + SUM_BYTES + BYTES, ORDER);
    }
}
