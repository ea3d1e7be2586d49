package lorikeet.bindings;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Mapped memory that was page-locked for copies, or that could not be. Closed before the memory is unmapped, when no copy
 * from it is under way. Thread-safe.
 */
public final class HostRegistration implements AutoCloseable {
    private final CudaContext context;
    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment memory;
    private final Optional<String> refusal;
    private boolean closed;

    HostRegistration(
            CudaContext context, DeviceCalls calls, CudaStatus status, MemorySegment memory, Optional<String> refusal) {
        this.context = context;
        this.calls = calls;
        this.status = status;
        this.memory = memory;
        this.refusal = refusal;
    }

    /** Why the memory could not be page-locked; empty if it was. */
    public Optional<String> refusal() {
        return refusal;
    }

    /** Whether all of {@code part} lies in memory that was page-locked here. */
    public boolean covers(MemorySegment part) {
        return refusal.isEmpty()
                && part.address() >= memory.address()
                && part.address() + part.byteSize() <= memory.address() + memory.byteSize();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (refusal.isEmpty()) {
                context.use();
                status.check(calls.memHostUnregister(memory), "cuMemHostUnregister");
            }
        }
    }
}
