package lorikeet.kernels.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/** Random matrices of any type, at any alignment, and their elements as doubles. */
final class Weights {
    private final Arena arena;
    private final Random random;

    Weights(Arena arena, Random random) {
        this.arena = arena;
        this.random = random;
    }

    /** Normally distributed elements; starts at an odd address half of the time. */
    Matrix random(ElementType type, int rows, int cols) {
        Matrix matrix = empty(type, rows, cols, random.nextBoolean() ? 1 : 0);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                set(matrix, r, c, (float) random.nextGaussian());
            }
        }
        return matrix;
    }

    Matrix empty(ElementType type, int rows, int cols, int shift) {
        long bytes = (long) rows * cols * type.bytes();
        MemorySegment memory = arena.allocate(bytes + 64, 64).asSlice(shift, bytes);
        return new Matrix(memory, type, rows, cols);
    }

    static void set(Matrix matrix, int row, int col, float value) {
        long at = row * matrix.rowBytes() + (long) col * matrix.type().bytes();
        switch (matrix.type()) {
            case F32 -> matrix.data().set(Element.FLOAT, at, value);
            case F16 -> matrix.data().set(Element.SHORT, at, Float.floatToFloat16(value));
            case BF16 -> matrix.data().set(Element.SHORT, at, (short) (Float.floatToRawIntBits(value) >>> 16));
            default -> throw new IllegalArgumentException(matrix.type().name());
        }
    }

    static float get(Matrix matrix, int row, int col) {
        long at = row * matrix.rowBytes() + (long) col * matrix.type().bytes();
        return switch (matrix.type()) {
            case F32 -> matrix.data().get(Element.FLOAT, at);
            case F16 -> Float.float16ToFloat(matrix.data().get(Element.SHORT, at));
            case BF16 -> Float.intBitsToFloat(matrix.data().get(Element.SHORT, at) << 16);
            default -> throw new IllegalArgumentException(matrix.type().name());
        };
    }

    /** A row as doubles. */
    static double[] row(Matrix matrix, int row) {
        double[] values = new double[matrix.cols()];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(matrix, row, i);
        }
        return values;
    }
}
