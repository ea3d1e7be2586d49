package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.kernels.Norm;
import org.jspecify.annotations.Nullable;

/**
 * Where product_add_norm and product_adapted leave rows' sums of squares to the product that finishes their norm: the struct
 * {@code TileSquares}. Owns the memory; launches that use it must all be in one stream, recorded or not.
 */
final class TileSquares implements AutoCloseable {
    static final long BYTES = 24;

    private static final int ALIGNMENT = 4;

    private final DeviceMemory squares;

    /** For kernels of up to so many rows and tiles. */
    TileSquares(CudaContext context, CudaStream stream, int rows, int tiles) {
        squares = context.allocate((long) rows * pitch(tiles) * Float.BYTES);
        stream.fill(squares.address(), (byte) 0, squares.bytes());
    }

    private static int pitch(int tiles) {
        return Math.ceilDiv(tiles, ALIGNMENT) * ALIGNMENT;
    }

    /**
     * Writes the struct to {@code at} of {@code to}.
     *
     * @param norm that is to be finished, of rows of {@code size} values; null if there is none
     */
    void write(MemorySegment to, long at, @Nullable Norm norm, int size) {
        to.set(JAVA_LONG, at, norm == null ? 0 : squares.address());
        to.set(JAVA_INT, at + 8, pitch(Math.ceilDiv(size, DecodeProducts.OUT)));
        to.set(JAVA_INT, at + 12, size);
        to.set(JAVA_FLOAT, at + 16, norm == null ? 0 : norm.epsilon());
    }

    @Override
    public void close() {
        squares.close();
    }
}
