package lorikeet.jmh.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * Random bf16 numbers in host memory, uniform and so small that sums over long rows stay in range. Matrices are views of
 * it, each from another place on: a model of 16 GB doesn't need 16 GB of host memory.
 */
final class Noise {
    private static final float LARGEST = 0.03f;
    private static final int PIECE = 1 << 20;

    /** Between the places of two matrices, so that they never hold the same rows. */
    private static final long STRIDE = 64 * 10_007L;

    private final MemorySegment numbers;
    private final Arena arena;
    private long next;

    /**
     * Makes the numbers.
     *
     * @param arena owns them
     * @param largest the largest matrix, in numbers
     */
    Noise(Arena arena, long largest) {
        this.arena = arena;
        int pieces = Math.toIntExact((2 * largest) / PIECE + 1);
        numbers = arena.allocate((long) pieces * PIECE, 4096);
        IntStream.range(0, pieces)
                .parallel()
                .forEach(piece -> fill(numbers.asSlice((long) piece * PIECE, PIECE), piece));
    }

    private static void fill(MemorySegment piece, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (long i = 0; i < PIECE / Short.BYTES; i++) {
            float value = (random.nextInt() >> 8) * (LARGEST / (1 << 23));
            piece.setAtIndex(ValueLayout.JAVA_SHORT, i, Floats.toBf16(value));
        }
    }

    /** All of the memory. */
    MemorySegment all() {
        return numbers;
    }

    /** A random matrix, valid as long as the arena. */
    Matrix matrix(int rows, int cols) {
        long bytes = (long) rows * cols * Short.BYTES;
        if (next + bytes > numbers.byteSize()) {
            next = next % STRIDE + 64;
            next = next + bytes > numbers.byteSize() ? 0 : next;
        }
        Matrix matrix = new Matrix(numbers.asSlice(next, bytes), ElementType.BF16, rows, cols);
        next += STRIDE;
        return matrix;
    }

    /** A row of ones. */
    Matrix ones(int cols) {
        MemorySegment row = arena.allocate((long) cols * Short.BYTES, 64);
        for (int i = 0; i < cols; i++) {
            row.setAtIndex(ValueLayout.JAVA_SHORT, i, Floats.toBf16(1));
        }
        return new Matrix(row, ElementType.BF16, 1, cols);
    }
}
