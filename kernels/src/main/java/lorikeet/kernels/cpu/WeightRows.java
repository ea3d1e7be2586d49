package lorikeet.kernels.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.mappedFloats;
import static lorikeet.kernels.cpu.Vectors.mappedInts;
import static lorikeet.kernels.cpu.Vectors.store;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * The order in which the elements of a weight's row are summed, and rows turned into floats in that order.
 *
 * <p>A row is cut into blocks of {@link #BLOCK} elements, the last one filled up with zeros. A block becomes two vectors,
 * one after the other. For 16-bit types the first holds the elements with even, the second those with odd numbers: that is
 * what one shift and one mask give from a vector of ints. For F32 they are the first and the second half.
 */
final class WeightRows {
    /** Elements of a block. */
    static final int BLOCK = 2 * LANES;

    /** Upper half of an int: the odd element of a pair of bf16, as a float. */
    static final int ODD = 0xffff0000;

    /** By number: masks of the first so many lanes. */
    private static final List<VectorMask<Integer>> FIRST = IntStream.range(0, LANES)
            .mapToObj(count -> VectorMask.fromLong(Vectors.INTS, (1L << count) - 1))
            .toList();

    private WeightRows() {}

    /** Number of blocks of a row of {@code cols} elements. */
    static int blocks(int cols) {
        return (cols + BLOCK - 1) / BLOCK;
    }

    /** True when the first vector of a block holds the elements with even numbers. */
    static boolean split(ElementType type) {
        return type != ElementType.F32;
    }

    /** True when the kernels read such a weight where it lies; others are converted first. */
    static boolean isDirect(Matrix weight) {
        return weight.type() != ElementType.F16 && weight.cols() % BLOCK == 0;
    }

    /** Bytes of a converted row. */
    static long convertedBytes(int cols) {
        return 2L * blocks(cols) * BYTES;
    }

    /** Converts rows {@code from} to {@code to} to neighbouring rows at {@code at}. */
    static void convert(Matrix weight, int from, int to, MemorySegment rows, long at) {
        int full = weight.cols() / BLOCK;
        for (int row = from; row < to; row++) {
            long first = at + (row - from) * convertedBytes(weight.cols());
            long source = row * weight.rowBytes();
            switch (weight.type()) {
                case BF16 -> bf16(weight.data(), source, full, rows, first);
                case F16 -> f16(weight.data(), source, full, rows, first);
                case F32 -> f32(weight.data(), source, full, rows, first);
                default ->
                    throw new IllegalArgumentException(
                            "weights of type " + weight.type() + "; F32, F16 and BF16 are known");
            }
            if (weight.cols() % BLOCK != 0) {
                lastBlock(weight, row, full, rows, first + 2L * full * BYTES);
            }
        }
    }

    private static void bf16(MemorySegment w, long at, int blocks, MemorySegment to, long first) {
        for (int b = 0; b < blocks; b++) {
            IntVector pairs = mappedInts(w, at + (long) b * BYTES);
            store(evens(pairs), to, first + 2L * b * BYTES);
            store(odds(pairs), to, first + 2L * b * BYTES + BYTES);
        }
    }

    private static void f16(MemorySegment w, long at, int blocks, MemorySegment to, long first) {
        for (int b = 0; b < blocks; b++) {
            IntVector pairs = mappedInts(w, at + (long) b * BYTES);
            store(upperHalves(pairs.lanewise(LSHL, 16)), to, first + 2L * b * BYTES);
            store(upperHalves(pairs), to, first + 2L * b * BYTES + BYTES);
        }
    }

    private static void f32(MemorySegment w, long at, int blocks, MemorySegment to, long first) {
        for (int b = 0; b < 2 * blocks; b++) {
            store(mappedFloats(w, at + (long) b * BYTES), to, first + (long) b * BYTES);
        }
    }

    private static void lastBlock(Matrix weight, int row, int block, MemorySegment to, long first) {
        boolean split = split(weight.type());
        int left = weight.cols() - block * BLOCK;
        if (split && left % 2 == 0) {
            long at = row * weight.rowBytes() + (long) block * BYTES;
            lastPairs(mappedInts(weight.data(), at, firstLanes(left / 2)), weight.type(), to, first);
            return;
        }
        for (int i = 0; i < BLOCK; i++) {
            int col = block * BLOCK + i;
            float value = col < weight.cols() ? Element.get(weight, row, col) : 0;
            to.set(Element.FLOAT, first + place(i, split, BYTES), value);
        }
    }

    private static void lastPairs(IntVector pairs, ElementType type, MemorySegment to, long first) {
        boolean bf16 = type == ElementType.BF16;
        store(bf16 ? evens(pairs) : upperHalves(pairs.lanewise(LSHL, 16)), to, first);
        store(bf16 ? odds(pairs) : upperHalves(pairs), to, first + BYTES);
    }

    /** The mask of the first so many lanes, fewer than all. */
    static VectorMask<Integer> firstLanes(int count) {
        return FIRST.get(count);
    }

    /** Where element {@code i} of a block goes, from the block's first vector, the second one {@code step} bytes away. */
    static long place(int i, boolean split, long step) {
        int lane = split ? i / 2 : i % LANES;
        boolean second = split ? i % 2 == 1 : i >= LANES;
        return (second ? step : 0) + lane * (long) Float.BYTES;
    }

    /** The elements with even numbers of a block of bf16. */
    static FloatVector evens(IntVector pairs) {
        return pairs.lanewise(LSHL, 16).reinterpretAsFloats();
    }

    /** The elements with odd numbers of a block of bf16. */
    static FloatVector odds(IntVector pairs) {
        return pairs.and(ODD).reinterpretAsFloats();
    }

    /**
     * The f16 in the upper half of each int. Moved to the places that they have in a float, exponent and fraction give
     * the value times 2^-112, subnormal ones included; the largest exponent, of infinity and NaN, is repaired.
     */
    private static FloatVector upperHalves(IntVector values) {
        IntVector moved = values.lanewise(ASHR, 3).and(0x8fffe000);
        IntVector magnitude = moved.and(0x0fffe000);
        IntVector special = magnitude.neg().add(0x0f7fffff).lanewise(ASHR, 31).and(0x7f800000);
        IntVector scaled = moved.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
        return scaled.or(special).reinterpretAsFloats();
    }
}
