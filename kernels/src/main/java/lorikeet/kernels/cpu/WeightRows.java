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
 * Turns rows of a weight into floats in the order in which they are summed.
 *
 * <p>A row is cut into blocks of {@link #BLOCK} elements, the last one filled up with zeros. A block becomes two vectors. For
 * 16-bit types the first holds the elements with even, the second those with odd numbers: that is what one shift and one
 * mask give from a vector of ints. For F32 they are the first and the second half. All first vectors of a row come before all second
 * ones.
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

    /**
     * Converts rows {@code from} to {@code to}, taking {@code together} rows at a time: their vectors with the same
     * number stand side by side, {@code [row / together][half][block][row % together][lane]}.
     */
    static void convert(Matrix weight, int from, int to, int together, MemorySegment panel) {
        int blocks = blocks(weight.cols());
        int full = weight.cols() / BLOCK;
        long half = (long) blocks * together * BYTES;
        for (int row = from; row < to; row++) {
            int number = row - from;
            long first = number / together * (2 * half) + number % together * (long) BYTES;
            long at = row * weight.rowBytes();
            switch (weight.type()) {
                case BF16 -> bf16(weight.data(), at, full, panel, first, half, together * BYTES);
                case F16 -> f16(weight.data(), at, full, panel, first, half, together * BYTES);
                case F32 -> f32(weight.data(), at, full, panel, first, half, together * BYTES);
                default ->
                    throw new IllegalArgumentException(
                            "weights of type " + weight.type() + "; F32, F16 and BF16 are known");
            }
            if (full < blocks) {
                lastBlock(weight, row, full, panel, first + (long) full * together * BYTES, half);
            }
        }
    }

    private static void bf16(MemorySegment w, long at, int blocks, MemorySegment to, long first, long half, int step) {
        for (int b = 0; b < blocks; b++) {
            IntVector pairs = mappedInts(w, at + (long) b * BYTES);
            long next = first + (long) b * step;
            store(evens(pairs), to, next);
            store(odds(pairs), to, next + half);
        }
    }

    private static void f16(MemorySegment w, long at, int blocks, MemorySegment to, long first, long half, int step) {
        for (int b = 0; b < blocks; b++) {
            IntVector pairs = mappedInts(w, at + (long) b * BYTES);
            long next = first + (long) b * step;
            store(upperHalves(pairs.lanewise(LSHL, 16)), to, next);
            store(upperHalves(pairs), to, next + half);
        }
    }

    private static void f32(MemorySegment w, long at, int blocks, MemorySegment to, long first, long half, int step) {
        for (int b = 0; b < blocks; b++) {
            long from = at + (long) b * 2 * BYTES;
            long next = first + (long) b * step;
            store(mappedFloats(w, from), to, next);
            store(mappedFloats(w, from + BYTES), to, next + half);
        }
    }

    private static void lastBlock(Matrix weight, int row, int block, MemorySegment to, long first, long half) {
        boolean split = split(weight.type());
        int left = weight.cols() - block * BLOCK;
        if (split && left % 2 == 0) {
            long at = row * weight.rowBytes() + (long) block * BYTES;
            lastPairs(mappedInts(weight.data(), at, FIRST.get(left / 2)), weight.type(), to, first, half);
            return;
        }
        for (int i = 0; i < BLOCK; i++) {
            int col = block * BLOCK + i;
            float value = col < weight.cols() ? Element.get(weight, row, col) : 0;
            to.set(Element.FLOAT, first + place(i, split, half), value);
        }
    }

    private static void lastPairs(IntVector pairs, ElementType type, MemorySegment to, long first, long half) {
        boolean bf16 = type == ElementType.BF16;
        store(bf16 ? evens(pairs) : upperHalves(pairs.lanewise(LSHL, 16)), to, first);
        store(bf16 ? odds(pairs) : upperHalves(pairs), to, first + half);
    }

    /** Where element {@code i} of a block goes, from the block's first vector, the second one {@code half} bytes away. */
    static long place(int i, boolean split, long half) {
        int lane = split ? i / 2 : i % LANES;
        boolean second = split ? i % 2 == 1 : i >= LANES;
        return (second ? half : 0) + lane * (long) Float.BYTES;
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
