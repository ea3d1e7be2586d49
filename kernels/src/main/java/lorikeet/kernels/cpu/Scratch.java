package lorikeet.kernels.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Native memory that grows to the largest size asked for and is reused. Its contents are lost when it grows. Used by one
 * thread at a time; a segment is valid until the next call or {@link #close}.
 */
final class Scratch implements AutoCloseable {
    /** A cache line: no vector of an aligned row lies in two. */
    private static final int ALIGNMENT = 64;

    private @Nullable Arena arena;
    private MemorySegment memory = MemorySegment.NULL;

    /** At least this many bytes. */
    @SuppressWarnings("MustBeClosedChecker") // Closed when it is replaced, or by close.
    MemorySegment atLeast(long bytes) {
        if (memory.byteSize() < bytes) {
            long size = Math.max(bytes, memory.byteSize() + memory.byteSize() / 2);
            close();
            Arena larger = Arena.ofShared();
            arena = larger;
            memory = larger.allocate(size, ALIGNMENT);
        }
        return memory;
    }

    @Override
    public void close() {
        if (arena != null) {
            arena.close();
        }
    }
}
