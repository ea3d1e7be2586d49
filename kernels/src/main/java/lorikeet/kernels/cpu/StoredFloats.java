package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import lorikeet.memory.Matrix;

/**
 * Reads weights of any stored type as floats. Only scalar reads are used: should a mapped file have been cut short, they
 * end in an {@link InternalError} instead of the end of the process.
 */
final class StoredFloats {
    private StoredFloats() {}

    /** Reads {@code matrix.cols()} elements of one row. */
    static void readRow(Matrix matrix, int row, float[] to) {
        MemorySegment from = matrix.data();
        long at = row * matrix.rowBytes();
        int cols = matrix.cols();
        switch (matrix.type()) {
            case F32 -> {
                for (int i = 0; i < cols; i++) {
                    to[i] = from.get(Element.FLOAT, at + 4L * i);
                }
            }
            case BF16 -> {
                for (int i = 0; i < cols; i++) {
                    to[i] = Float.intBitsToFloat(from.get(Element.SHORT, at + 2L * i) << 16);
                }
            }
            case F16 -> {
                for (int i = 0; i < cols; i++) {
                    to[i] = Float.float16ToFloat(from.get(Element.SHORT, at + 2L * i));
                }
            }
            default -> throw notAWeight(matrix);
        }
    }

    /** Reads one element of each row. */
    static void readColumn(Matrix matrix, int column, float[] to) {
        for (int row = 0; row < matrix.rows(); row++) {
            to[row] = Element.get(matrix, row, column);
        }
    }

    private static IllegalArgumentException notAWeight(Matrix matrix) {
        return new IllegalArgumentException(
                "a weight of type " + matrix.type() + "; F32, F16 and BF16 can be computed with");
    }
}
