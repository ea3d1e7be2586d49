package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.LANES;

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
    static void add(float[] sums, int at, int count, MemorySegment out, long outAt) {
        for (int done = 0; done < count; done += LANES) {
            int from = at + done * LANES;
            for (int i = 0; i < 4; i++) {
                if (WIDE) {
                    foldWide(sums, from + i * LANES);
                } else {
                    foldNarrow(sums, from + i * LANES);
                }
            }
            foldLast(sums, from, at + done);
        }
        MemorySegment.copy(sums, at, out, Element.FLOAT, outAt, count);
    }

    /** Four vectors, four apart, into the first. */
    private static void foldWide(float[] sums, int at) {
        FloatVector a = FloatVector.fromArray(FLOATS, sums, at);
        FloatVector b = FloatVector.fromArray(FLOATS, sums, at + 4 * LANES);
        FloatVector c = FloatVector.fromArray(FLOATS, sums, at + 8 * LANES);
        FloatVector d = FloatVector.fromArray(FLOATS, sums, at + 12 * LANES);
        FloatVector ac = a.blend(c, UPPER_8).add(c.blend(a, UPPER_8).rearrange(SWAP_8));
        FloatVector bd = b.blend(d, UPPER_8).add(d.blend(b, UPPER_8).rearrange(SWAP_8));
        ac.blend(bd, UPPER_4).add(bd.blend(ac, UPPER_4).rearrange(SWAP_4)).intoArray(sums, at);
    }

    /** Two vectors, four apart, into the first. */
    private static void foldNarrow(float[] sums, int at) {
        FloatVector a = FloatVector.fromArray(FLOATS, sums, at);
        FloatVector b = FloatVector.fromArray(FLOATS, sums, at + 4 * LANES);
        a.blend(b, UPPER_4).add(b.blend(a, UPPER_4).rearrange(SWAP_4)).intoArray(sums, at);
    }

    /** Four neighbouring vectors, whose lanes lie 2 apart and less, into outputs at {@code to}. */
    private static void foldLast(float[] sums, int at, int to) {
        FloatVector a = FloatVector.fromArray(FLOATS, sums, at);
        FloatVector b = FloatVector.fromArray(FLOATS, sums, at + LANES);
        FloatVector c = FloatVector.fromArray(FLOATS, sums, at + 2 * LANES);
        FloatVector d = FloatVector.fromArray(FLOATS, sums, at + 3 * LANES);
        FloatVector ac = a.blend(c, UPPER_2).add(c.blend(a, UPPER_2).rearrange(SWAP_2));
        FloatVector bd = b.blend(d, UPPER_2).add(d.blend(b, UPPER_2).rearrange(SWAP_2));
        ac.blend(bd, UPPER_1).add(bd.blend(ac, UPPER_1).rearrange(SWAP_1)).intoArray(sums, to);
    }
}
