package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Adds up the partial sums of an output, one vector of them, in one order: lanes 8 apart (where there are as many), 4
 * apart, 2 apart, and the last two. ({@code reduceLanes} leaves its order open.)
 *
 * <p>A vector of outputs at a time: each step adds the halves of two vectors into one, {@code a} plus {@code a} swapped
 * in the lower places, {@code b} plus {@code b} swapped in the upper ones, until every lane is an output.
 */
final class PartialSums {
    private static final boolean WIDE = LANES == 16;
    private static final VectorShuffle<Float> SWAP_8 = VectorShuffle.fromOp(FLOATS, i -> (i ^ 8) % LANES);
    private static final VectorShuffle<Float> SWAP_4 = VectorShuffle.fromOp(FLOATS, i -> i ^ 4);
    private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromOp(FLOATS, i -> i ^ 2);
    private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromOp(FLOATS, i -> i ^ 1);
    private static final VectorMask<Float> UPPER_8 = VectorMask.fromLong(FLOATS, 0xff00);
    private static final VectorMask<Float> UPPER_4 = VectorMask.fromLong(FLOATS, 0xf0f0);
    private static final VectorMask<Float> UPPER_2 = VectorMask.fromLong(FLOATS, 0xcccc);
    private static final VectorMask<Float> UPPER_1 = VectorMask.fromLong(FLOATS, 0xaaaa);

    private PartialSums() {}

    /**
     * Writes {@code count} outputs to consecutive floats. Their partial sums follow each other and are overwritten, those
     * up to the next multiple of the lanes too.
     */
    static void add(MemorySegment sums, long at, int count, MemorySegment out, long outAt) {
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            fold(sums, at + (long) done * BYTES, out, outAt + (long) done * Float.BYTES);
        }
        if (done < count) {
            long from = at + (long) done * BYTES;
            fold(sums, from, sums, from);
            MemorySegment.copy(sums, from, out, outAt + (long) done * Float.BYTES, (long) (count - done) * Float.BYTES);
        }
    }

    private static void fold(MemorySegment sums, long at, MemorySegment out, long outAt) {
        for (int i = 0; i < 4; i++) {
            long quarter = at + (long) i * BYTES;
            if (WIDE) {
                foldWide(sums, quarter);
            } else {
                foldNarrow(sums, quarter);
            }
        }
        foldLast(sums, at, out, outAt);
    }

    /** Four vectors, four apart, into the first. */
    private static void foldWide(MemorySegment sums, long at) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, sums, at + 4L * BYTES, ORDER);
        FloatVector c = FloatVector.fromMemorySegment(FLOATS, sums, at + 8L * BYTES, ORDER);
        FloatVector d = FloatVector.fromMemorySegment(FLOATS, sums, at + 12L * BYTES, ORDER);
        FloatVector ac = a.blend(c, UPPER_8).add(c.blend(a, UPPER_8).rearrange(SWAP_8));
        FloatVector bd = b.blend(d, UPPER_8).add(d.blend(b, UPPER_8).rearrange(SWAP_8));
        ac.blend(bd, UPPER_4).add(bd.blend(ac, UPPER_4).rearrange(SWAP_4)).intoMemorySegment(sums, at, ORDER);
    }

    /** Two vectors, four apart, into the first. */
    private static void foldNarrow(MemorySegment sums, long at) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, sums, at + 4L * BYTES, ORDER);
        a.blend(b, UPPER_4).add(b.blend(a, UPPER_4).rearrange(SWAP_4)).intoMemorySegment(sums, at, ORDER);
    }

    /** Four neighbouring vectors, whose lanes lie 2 apart and less, into outputs. */
    private static void foldLast(MemorySegment sums, long at, MemorySegment out, long outAt) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, sums, at + BYTES, ORDER);
        FloatVector c = FloatVector.fromMemorySegment(FLOATS, sums, at + 2L * BYTES, ORDER);
        FloatVector d = FloatVector.fromMemorySegment(FLOATS, sums, at + 3L * BYTES, ORDER);
        FloatVector ac = a.blend(c, UPPER_2).add(c.blend(a, UPPER_2).rearrange(SWAP_2));
        FloatVector bd = b.blend(d, UPPER_2).add(d.blend(b, UPPER_2).rearrange(SWAP_2));
        ac.blend(bd, UPPER_1).add(bd.blend(ac, UPPER_1).rearrange(SWAP_1)).intoMemorySegment(out, outAt, ORDER);
    }
}
