package lorikeet.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Ordinary memory for slabs, outside the heap. */
final class HostSlabs implements SlabSource {
    private static final System.Logger LOG = System.getLogger(SlabPool.class.getName());
    private static final long PAGE_BYTES = 4096;
    private static final long CHUNK_BYTES = 32L << 20;

    private final Arena arena = Arena.ofShared();

    @Override
    public long chunkBytes() {
        return CHUNK_BYTES;
    }

    @Override
    public Optional<MemorySegment> reserve(long bytes) {
        try {
            return Optional.of(arena.allocate(bytes, PAGE_BYTES));
        } catch (OutOfMemoryError e) {
            LOG.log(System.Logger.Level.WARNING, "no memory for " + bytes + " bytes of slabs: " + e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
