package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/** Makes matrices for tests in native memory that the garbage collector frees. */
final class RandomMatrices {
    private RandomMatrices() {}

    /** Normally distributed elements in that type. */
    static Matrix normal(Random random, ElementType type, int rows, int cols) {
        Matrix matrix = empty(type, rows, cols);
        for (int i = 0; i < rows * cols; i++) {
            float value = (float) random.nextGaussian();
            switch (type) {
                case F32 -> matrix.data().setAtIndex(JAVA_FLOAT, i, value);
                case F16 -> matrix.data().setAtIndex(JAVA_SHORT, i, Float.floatToFloat16(value));
                case BF16 -> matrix.data().setAtIndex(JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >> 16));
                default -> throw new IllegalArgumentException(type.name());
            }
        }
        return matrix;
    }

    /** One of the types that weights have. */
    static ElementType weightType(Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> ElementType.F32;
            case 1 -> ElementType.F16;
            default -> ElementType.BF16;
        };
    }

    /** A matrix of F32 full of NaNs, so that an element that is not written shows. */
    static Matrix poisoned(int rows, int cols) {
        Matrix matrix = empty(ElementType.F32, rows, cols);
        poison(matrix.data());
        return matrix;
    }

    /** Fills memory with NaNs. */
    static void poison(MemorySegment memory) {
        for (long at = 0; at < memory.byteSize(); at += 4) {
            memory.set(JAVA_FLOAT, at, Float.NaN);
        }
    }

    /** A copy of a matrix. */
    static Matrix copy(Matrix matrix) {
        Matrix copy = empty(matrix.type(), matrix.rows(), matrix.cols());
        copy.data().copyFrom(matrix.data());
        return copy;
    }

    private static Matrix empty(ElementType type, int rows, int cols) {
        return new Matrix(Arena.ofAuto().allocate((long) rows * cols * type.bytes(), 64), type, rows, cols);
    }

    /** An element as a number. */
    static double get(Matrix matrix, int row, int col) {
        long index = (long) row * matrix.cols() + col;
        return switch (matrix.type()) {
            case F32 -> matrix.data().getAtIndex(JAVA_FLOAT, index);
            case F16 -> Float.float16ToFloat(matrix.data().getAtIndex(JAVA_SHORT, index));
            case BF16 -> Float.intBitsToFloat(matrix.data().getAtIndex(JAVA_SHORT, index) << 16);
            default -> throw new IllegalArgumentException(matrix.type().name());
        };
    }

    /** The first {@code rows} rows of a F32 matrix. */
    static float[] floats(Matrix matrix, int rows) {
        return matrix.rows(0, rows).data().toArray(JAVA_FLOAT);
    }
}
