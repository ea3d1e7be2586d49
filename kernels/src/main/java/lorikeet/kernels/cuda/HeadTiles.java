package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.kernels.AttentionShape;

/**
 * Where the blocks of product_rotate and product_adapted leave tiles of heads with norms to one another: {@code left} of the
 * struct {@code Rotation}. Owns the memory; launches that use it must all be in one stream, recorded or not.
 */
final class HeadTiles implements AutoCloseable {
    /** Of a row of a tile. */
    static final int ROW_BYTES = 4 * (DecodeProducts.OUT + 4);

    private final int most;
    private final DeviceMemory memory;

    /** For kernels of up to so many rows and tiles. */
    HeadTiles(CudaContext context, CudaStream stream, int rows, int tiles) {
        most = tiles;
        memory = context.allocate((long) rows * tiles * ROW_BYTES);
        stream.fill(memory.address(), DecodeProducts.NO_SUM, memory.bytes());
    }

    /** The tiles of a head's components. */
    static int ofHead(AttentionShape shape) {
        return Math.ceilDiv(shape.headSize(), DecodeProducts.OUT);
    }

    /** Whether there is room for what has norms. */
    boolean take(AttentionShape shape) {
        return (shape.heads() + shape.kvHeads()) * ofHead(shape) <= most;
    }

    long address() {
        return memory.address();
    }

    @Override
    public void close() {
        memory.close();
    }
}
