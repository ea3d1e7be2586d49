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
 * Adds up the 16 partial sums of an output, in one order: the two vectors lane by lane, then lanes 4 apart, 2 apart, and
 * the last two. ({@code reduceLanes} leaves its order open.)
 */
final class PartialSums {
    private static final VectorShuffle<Float> SWAP_4 = VectorShuffle.fromValues(FLOATS, 4, 5, 6, 7, 0, 1, 2, 3);
    private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromValues(FLOATS, 2, 3, 0, 1, 6, 7, 4, 5);
    private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromValues(FLOATS, 1, 0, 3, 2, 5, 4, 7, 6);
    private static final VectorMask<Float> UPPER_4 = VectorMask.fromLong(FLOATS, 0b11110000);
    private static final VectorMask<Float> UPPER_2 = VectorMask.fromLong(FLOATS, 0b11001100);
    private static final VectorMask<Float> UPPER_1 = VectorMask.fromLong(FLOATS, 0b10101010);

    private PartialSums() {}

    /** Writes {@code count} outputs to consecutive floats; their partial sums are {@code step} bytes apart. */
    static void add(MemorySegment sums, long at, long step, int count, MemorySegment out, long outAt) {
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            store(eight(sums, at + done * step, step), out, outAt + (long) done * Float.BYTES);
        }
        for (; done < count; done++) {
            out.set(Element.FLOAT, outAt + (long) done * Float.BYTES, one(sums, at + done * step));
        }
    }

    private static float one(MemorySegment sums, long at) {
        FloatVector sum = lanes(sums, at);
        sum = sum.add(sum.rearrange(SWAP_4));
        sum = sum.add(sum.rearrange(SWAP_2));
        return sum.lane(0) + sum.lane(1);
    }

    /** Eight outputs at a time: each step adds the halves of two vectors into one, until every lane is an output. */
    private static FloatVector eight(MemorySegment sums, long at, long step) {
        FloatVector a = four(sums, at, step, 2 * step);
        FloatVector b = four(sums, at + step, step, 2 * step);
        return halves(a, b, SWAP_1, UPPER_1);
    }

    private static FloatVector four(MemorySegment sums, long at, long step, long apart) {
        FloatVector a = halves(lanes(sums, at), lanes(sums, at + 4 * step), SWAP_4, UPPER_4);
        FloatVector b = halves(lanes(sums, at + apart), lanes(sums, at + apart + 4 * step), SWAP_4, UPPER_4);
        return halves(a, b, SWAP_2, UPPER_2);
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
