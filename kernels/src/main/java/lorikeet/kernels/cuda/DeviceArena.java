package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.DeviceMemory;

/** Device memory that lives as long as this: weights and activations. Small pieces share an allocation. Thread-safe. */
final class DeviceArena implements AutoCloseable {
    private static final long CHUNK_BYTES = 64L << 20;
    private static final long ALIGNMENT = 256;

    private final CudaContext context;
    private final List<DeviceMemory> chunks = new ArrayList<>();
    private MemorySegment rest = MemorySegment.NULL;

    DeviceArena(CudaContext context) {
        this.context = context;
    }

    /**
     * Memory at a multiple of 256 bytes.
     *
     * @throws lorikeet.bindings.CudaOutOfMemoryException if the device has not as much left
     */
    synchronized MemorySegment allocate(long bytes) {
        long padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (padded > rest.byteSize()) {
            context.use();
            DeviceMemory chunk = context.allocate(padded > CHUNK_BYTES / 4 ? padded : CHUNK_BYTES);
            chunks.add(chunk);
            if (padded > CHUNK_BYTES / 4) {
                return chunk.segment().asSlice(0, bytes);
            }
            rest = chunk.segment();
        }
        MemorySegment piece = rest.asSlice(0, bytes);
        rest = rest.asSlice(padded);
        return piece;
    }

    @Override
    public synchronized void close() {
        context.use();
        chunks.forEach(DeviceMemory::close);
        chunks.clear();
        rest = MemorySegment.NULL;
    }
}
