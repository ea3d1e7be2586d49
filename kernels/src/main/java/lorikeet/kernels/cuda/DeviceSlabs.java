package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaOutOfMemoryException;
import lorikeet.bindings.DeviceMemory;
import lorikeet.memory.SlabSource;
import org.jspecify.annotations.Nullable;

/** The device's memory for slabs: all of it is one reservation, so that slabs are told apart by short numbers. */
final class DeviceSlabs implements SlabSource {
    private static final System.Logger LOG = System.getLogger(DeviceSlabs.class.getName());

    private final CudaContext context;
    private @Nullable DeviceMemory memory;

    DeviceSlabs(CudaContext context) {
        this.context = context;
    }

    /** Everything at once. */
    @Override
    public long chunkBytes() {
        return Long.MAX_VALUE;
    }

    @Override
    public Optional<MemorySegment> reserve(long bytes) {
        if (memory != null) {
            return Optional.empty();
        }
        context.use();
        try {
            memory = context.allocate(bytes);
            return Optional.of(memory.segment());
        } catch (CudaOutOfMemoryException e) {
            LOG.log(System.Logger.Level.WARNING, "no device memory for slabs: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** The address that KV blocks are counted from; 0 before the first slab was lent, and after closing. */
    long base() {
        return memory == null ? 0 : memory.address();
    }

    @Override
    public void close() {
        if (memory != null) {
            context.use();
            memory.close();
            memory = null;
        }
    }
}
