package lorikeet.bindings;

import java.lang.foreign.MemorySegment;

/** Page-locked host memory. Its maker closes it once no copy from or to it is under way. */
public final class PinnedMemory implements AutoCloseable {
    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment segment;
    private boolean closed;

    PinnedMemory(DeviceCalls calls, CudaStatus status, MemorySegment segment) {
        this.calls = calls;
        this.status = status;
        this.segment = segment;
    }

    /** The memory; not to be used after {@link #close}. */
    public MemorySegment segment() {
        return segment;
    }

    /** Frees the memory. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            status.check(calls.memFreeHost(segment), "cuMemFreeHost");
        }
    }
}
