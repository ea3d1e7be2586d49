package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;

/**
 * Where the blocks of product_add_norm tell one another their tiles' sums of squares: the struct {@code TileSquares}. Owns
 * the memory; launches that use it must all be in one stream, recorded or not.
 */
final class TileSquares implements AutoCloseable {
    static final long BYTES = 16;

    /** Places that kernels read beside those that there are: TILE_SQUARES_AT_ONCE of product_add_norm.cuh. */
    private static final int MORE = 64;

    private final DeviceMemory places;
    private final DeviceMemory launches;

    /** For kernels of up to so many rows and tiles. */
    TileSquares(CudaContext context, CudaStream stream, int rows, int tiles) {
        places = context.allocate(((long) rows * tiles + MORE) * Long.BYTES);
        launches = context.allocate(4 * Integer.BYTES);
        stream.fill(places.address(), (byte) 0, places.bytes());
        stream.fill(launches.address(), (byte) 0, launches.bytes());
    }

    /** Writes the struct to the beginning of {@code to}. */
    void write(MemorySegment to) {
        to.set(JAVA_LONG, 0, places.address());
        to.set(JAVA_LONG, 8, launches.address());
    }

    @Override
    public void close() {
        places.close();
        launches.close();
    }
}
