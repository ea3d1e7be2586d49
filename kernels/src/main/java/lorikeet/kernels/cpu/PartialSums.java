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

    /**
     * Writes {@code count} outputs to consecutive floats; their partial sums are {@code step} bytes apart, and are
     * overwritten.
     */
    static void add(MemorySegment sums, long at, long step, int count, MemorySegment out, long outAt) {
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            fold(sums, at + done * step, step);
            FloatVector.fromMemorySegment(FLOATS, sums, at + done * step, ORDER)
                    .intoMemorySegment(out, outAt + (long) done * Float.BYTES, ORDER);
        }
        for (; done < count; done++) {
            out.set(Element.FLOAT, outAt + (long) done * Float.BYTES, one(sums, at + done * step));
        }
    }

    private static float one(MemorySegment sums, long at) {
        addHalves(sums, at);
        FloatVector sum = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        if (WIDE) {
            sum = sum.add(sum.rearrange(SWAP_8));
        }
        sum = sum.add(sum.rearrange(SWAP_4));
        sum = sum.add(sum.rearrange(SWAP_2));
        return sum.lane(0) + sum.lane(1);
    }

    /**
     * A vector of outputs at a time, left at {@code at}: each step adds the halves of two vectors into one, until every
     * lane is an output. No vector is passed between methods: where C2 doesn't inline one, it would be allocated.
     */
    private static void fold(MemorySegment sums, long at, long step) {
        for (int i = 0; i < LANES; i++) {
            addHalves(sums, at + i * step);
        }
        if (WIDE) {
            for (int i = 0; i < 8; i++) {
                fold(sums, at + i * step, 8 * step, SWAP_8, UPPER_8);
            }
        }
        for (int i = 0; i < 4; i++) {
            fold(sums, at + i * step, 4 * step, SWAP_4, UPPER_4);
        }
        for (int i = 0; i < 2; i++) {
            fold(sums, at + i * step, 2 * step, SWAP_2, UPPER_2);
        }
        fold(sums, at, step, SWAP_1, UPPER_1);
    }

    /** {@code a} plus {@code a} swapped in the lower places, {@code b} plus {@code b} swapped in the upper ones. */
    private static void fold(
            MemorySegment sums, long at, long apart, VectorShuffle<Float> swap, VectorMask<Float> upper) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, sums, at + apart, ORDER);
        a.blend(b, upper).add(b.blend(a, upper).rearrange(swap)).intoMemorySegment(sums, at, ORDER);
    }

    private static void addHalves(MemorySegment sums, long at) {
        FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER)
                .add(FloatVector.fromMemorySegment(FLOATS, sums, at + BYTES, ORDER))
                .intoMemorySegment(sums, at, ORDER);
    }
}
