package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.floats;
import static lorikeet.kernels.cpu.Vectors.mappedInts;
import static lorikeet.kernels.cpu.Vectors.store;
import static lorikeet.kernels.cpu.WeightRows.evens;
import static lorikeet.kernels.cpu.WeightRows.odds;

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
 * <p>The shapes are what the 16 vector registers of AVX2 hold without spilling. Bodies are kept small, because C2 gives
 * up inlining in large ones and then allocates every vector.
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
        FloatVector s00 = floats(sums, at);
        FloatVector s01 = floats(sums, at + SUM_BYTES);
        FloatVector s02 = floats(sums, at + 2L * SUM_BYTES);
        FloatVector s03 = floats(sums, at + 3L * SUM_BYTES);
        FloatVector s10 = floats(sums, at + 4L * SUM_BYTES);
        FloatVector s11 = floats(sums, at + 5L * SUM_BYTES);
        FloatVector s12 = floats(sums, at + 6L * SUM_BYTES);
        FloatVector s13 = floats(sums, at + 7L * SUM_BYTES);
        // C2 doesn't unroll a loop whose step is larger than its vectors. Unrolled, this one would spill.
        for (int k = 0; k < bytes; k += 2 * BYTES) {
            FloatVector w0 = floats(w, wAt + k);
            FloatVector w1 = floats(w, wAt + BYTES + k);
            FloatVector input = floats(x, xAt + 2L * k);
            s00 = w0.fma(input, s00);
            s10 = w1.fma(input, s10);
            input = floats(x, xAt + BYTES + 2L * k);
            s01 = w0.fma(input, s01);
            s11 = w1.fma(input, s11);
            input = floats(x, xAt + 2L * BYTES + 2L * k);
            s02 = w0.fma(input, s02);
            s12 = w1.fma(input, s12);
            input = floats(x, xAt + 3L * BYTES + 2L * k);
            s03 = w0.fma(input, s03);
            s13 = w1.fma(input, s13);
        }
        store(s00, sums, at);
        store(s01, sums, at + SUM_BYTES);
        store(s02, sums, at + 2L * SUM_BYTES);
        store(s03, sums, at + 3L * SUM_BYTES);
        store(s10, sums, at + 4L * SUM_BYTES);
        store(s11, sums, at + 5L * SUM_BYTES);
        store(s12, sums, at + 6L * SUM_BYTES);
        store(s13, sums, at + 7L * SUM_BYTES);
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
        FloatVector e0 = floats(sums, at);
        FloatVector o0 = floats(sums, at + BYTES);
        for (int k = 0; k < bytes; k += BYTES) {
            IntVector pairs = mappedInts(w, wAt + k);
            e0 = evens(pairs).fma(floats(x, xAt + k), e0);
            o0 = odds(pairs).fma(floats(x, xAt + half + k), o0);
        }
        store(e0, sums, at);
        store(o0, sums, at + BYTES);
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
        FloatVector e0 = floats(sums, at);
        FloatVector o0 = floats(sums, at + BYTES);
        FloatVector e1 = floats(sums, at + SUM_BYTES);
        FloatVector o1 = floats(sums, at + SUM_BYTES + BYTES);
        for (int k = 0; k < bytes; k += BYTES) {
            FloatVector even = floats(x, xAt + k);
            FloatVector odd = floats(x, xAt + half + k);
            IntVector pairs = mappedInts(w, wAt + k);
            e0 = evens(pairs).fma(even, e0);
            o0 = odds(pairs).fma(odd, o0);
            IntVector next = mappedInts(w, nextAt + k);
            e1 = evens(next).fma(even, e1);
            o1 = odds(next).fma(odd, o1);
        }
        store(e0, sums, at);
        store(o0, sums, at + BYTES);
        store(e1, sums, at + SUM_BYTES);
        store(o1, sums, at + SUM_BYTES + BYTES);
    }

    /** One row of bf16 with two inputs, like {@link #bf16x1}. */
    static void bf16x2(
            MemorySegment w, long wAt, MemorySegment x, long xAt, long half, int bytes, MemorySegment sums, long at) {
        FloatVector e0 = floats(sums, at);
        FloatVector o0 = floats(sums, at + BYTES);
        FloatVector e1 = floats(sums, at + SUM_BYTES);
        FloatVector o1 = floats(sums, at + SUM_BYTES + BYTES);
        for (int k = 0; k < bytes; k += BYTES) {
            IntVector pairs = mappedInts(w, wAt + k);
            FloatVector even = evens(pairs);
            FloatVector odd = odds(pairs);
            e0 = even.fma(floats(x, xAt + 2L * k), e0);
            o0 = odd.fma(floats(x, xAt + half + 2L * k), o0);
            e1 = even.fma(floats(x, xAt + BYTES + 2L * k), e1);
            o1 = odd.fma(floats(x, xAt + half + BYTES + 2L * k), o1);
        }
        store(e0, sums, at);
        store(o0, sums, at + BYTES);
        store(e1, sums, at + SUM_BYTES);
        store(o1, sums, at + SUM_BYTES + BYTES);
    }

    /** One row of bf16 with four inputs, like {@link #bf16x1}. */
    static void bf16x4(
            MemorySegment w, long wAt, MemorySegment x, long xAt, long half, int bytes, MemorySegment sums, long at) {
        FloatVector e0 = floats(sums, at);
        FloatVector o0 = floats(sums, at + BYTES);
        FloatVector e1 = floats(sums, at + SUM_BYTES);
        FloatVector o1 = floats(sums, at + SUM_BYTES + BYTES);
        FloatVector e2 = floats(sums, at + 2L * SUM_BYTES);
        FloatVector o2 = floats(sums, at + 2L * SUM_BYTES + BYTES);
        FloatVector e3 = floats(sums, at + 3L * SUM_BYTES);
        FloatVector o3 = floats(sums, at + 3L * SUM_BYTES + BYTES);
        for (int k = 0; k < bytes; k += BYTES) {
            IntVector pairs = mappedInts(w, wAt + k);
            FloatVector even = evens(pairs);
            FloatVector odd = odds(pairs);
            e0 = even.fma(floats(x, xAt + 4L * k), e0);
            o0 = odd.fma(floats(x, xAt + half + 4L * k), o0);
            e1 = even.fma(floats(x, xAt + BYTES + 4L * k), e1);
            o1 = odd.fma(floats(x, xAt + half + BYTES + 4L * k), o1);
            e2 = even.fma(floats(x, xAt + 2L * BYTES + 4L * k), e2);
            o2 = odd.fma(floats(x, xAt + half + 2L * BYTES + 4L * k), o2);
            e3 = even.fma(floats(x, xAt + 3L * BYTES + 4L * k), e3);
            o3 = odd.fma(floats(x, xAt + half + 3L * BYTES + 4L * k), o3);
        }
        store(e0, sums, at);
        store(o0, sums, at + BYTES);
        store(e1, sums, at + SUM_BYTES);
        store(o1, sums, at + SUM_BYTES + BYTES);
        store(e2, sums, at + 2L * SUM_BYTES);
        store(o2, sums, at + 2L * SUM_BYTES + BYTES);
        store(e3, sums, at + 3L * SUM_BYTES);
        store(o3, sums, at + 3L * SUM_BYTES + BYTES);
    }
}
