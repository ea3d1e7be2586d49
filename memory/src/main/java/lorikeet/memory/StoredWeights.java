package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Compares matrices of weights that lie in mapped files. */
public final class StoredWeights {
    /** Bytes that are compared at a time: both copies stay in the second-level cache. */
    private static final int BLOCK_BYTES = 256 << 10;

    private StoredWeights() {}

    /**
     * True if two matrices have the same size and the same elements, bit by bit where they are stored in the same type,
     * else as floats.
     *
     * <p>Reads through copies: if a file is cut short meanwhile, copying throws an {@link InternalError}, where comparing
     * mapped memory in place would crash the JVM. Runs on the common pool.
     *
     * @throws IllegalArgumentException if one has another type than F32, F16 or BF16
     */
    public static boolean same(Matrix left, Matrix right) {
        if (left.rows() != right.rows() || left.cols() != right.cols()) {
            return false;
        }
        int perBlock = Math.max(1, BLOCK_BYTES / Math.max(1, left.cols() * Float.BYTES));
        int blocks = (left.rows() + perBlock - 1) / perBlock;
        return IntStream.range(0, blocks).parallel().allMatch(block -> {
            int from = block * perBlock;
            int to = Math.min(from + perBlock, left.rows());
            return sameBlock(left.rows(from, to), right.rows(from, to));
        });
    }

    private static boolean sameBlock(Matrix left, Matrix right) {
        return left.type() == right.type()
                ? Arrays.equals(bytes(left), bytes(right))
                : Arrays.equals(Floats.toArray(left), Floats.toArray(right));
    }

    private static byte[] bytes(Matrix matrix) {
        byte[] bytes = new byte[Math.toIntExact(matrix.data().byteSize())];
        MemorySegment.copy(matrix.data(), ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
        return bytes;
    }
}
