package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Where a {@link SlabPool} gets its memory from, in chunks. Used under the pool's lock; owns what it gave. */
public interface SlabSource extends AutoCloseable {
    /** The size of a usual chunk in bytes: what is asked for at least, unless the pool's limit has it smaller. */
    long chunkBytes();

    /**
     * Reserves memory.
     *
     * @return the memory, aligned to 256 bytes at least; empty, with a log entry that says why, if there isn't as much
     */
    Optional<MemorySegment> reserve(long bytes);

    /** Frees all memory. */
    @Override
    void close();
}
