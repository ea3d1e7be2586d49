package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.floats;
import static lorikeet.kernels.cpu.Vectors.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Adds up the partial sums of an output, two vectors of them, in one order: the two vectors lane by lane, then lanes 8
 * apart (where there are as many), 4 apart, 2 apart, and the last two. ({@code reduceLanes} leaves its order open.)
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

    /** Writes {@code count} outputs to consecutive floats; their partial sums are {@code step} bytes apart. */
    static void add(MemorySegment sums, long at, long step, int count, MemorySegment out, long outAt) {
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            store(full(sums, at + done * step, step), out, outAt + (long) done * Float.BYTES);
        }
        for (; done < count; done++) {
            out.set(Element.FLOAT, outAt + (long) done * Float.BYTES, one(sums, at + done * step));
        }
    }

    private static float one(MemorySegment sums, long at) {
        FloatVector sum = lanes(sums, at);
        if (WIDE) {
            sum = sum.add(sum.rearrange(SWAP_8));
        }
        sum = sum.add(sum.rearrange(SWAP_4));
        sum = sum.add(sum.rearrange(SWAP_2));
        return sum.lane(0) + sum.lane(1);
    }

    /** A vector of outputs at a time: each step adds the halves of two vectors into one, until every lane is an output. */
    private static FloatVector full(MemorySegment sums, long at, long step) {
        FloatVector a = quarter(sums, at, step, 2 * step);
        FloatVector b = quarter(sums, at + step, step, 2 * step);
        return halves(a, b, SWAP_1, UPPER_1);
    }

    private static FloatVector quarter(MemorySegment sums, long at, long step, long apart) {
        FloatVector a = halves(eight(sums, at, step), eight(sums, at + 4 * step, step), SWAP_4, UPPER_4);
        FloatVector b =
                halves(eight(sums, at + apart, step), eight(sums, at + apart + 4 * step, step), SWAP_4, UPPER_4);
        return halves(a, b, SWAP_2, UPPER_2);
    }

    /** Eight lanes of one output; of another, eight outputs on, in the upper half of a wide vector. */
    private static FloatVector eight(MemorySegment sums, long at, long step) {
        FloatVector sum = lanes(sums, at);
        return WIDE ? halves(sum, lanes(sums, at + 8 * step), SWAP_8, UPPER_8) : sum;
    }

    private static FloatVector lanes(MemorySegment sums, long at) {
        return floats(sums, at).add(floats(sums, at + BYTES));
    }

    /** {@code a} plus {@code a} swapped in the lower places, {@code b} plus {@code b} swapped in the upper ones. */
    private static FloatVector halves(
            FloatVector a, FloatVector b, VectorShuffle<Float> swap, VectorMask<Float> upper) {
        return a.blend(b, upper).add(b.blend(a, upper).rearrange(swap));
    }
}
