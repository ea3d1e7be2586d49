package lorikeet.bindings;

import java.lang.foreign.MemorySegment;

/** Memory of a device. Its maker closes it once no work that uses it is left. */
public final class DeviceMemory implements AutoCloseable {
    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment segment;
    private boolean closed;

    DeviceMemory(DeviceCalls calls, CudaStatus status, MemorySegment segment) {
        this.calls = calls;
        this.status = status;
        this.segment = segment;
    }

    /** The device address of the first byte. */
    public long address() {
        return segment.address();
    }

    /** The size in bytes. */
    public long bytes() {
        return segment.byteSize();
    }

    /** The memory as a segment: an address and a size to be sliced, never to be read or written by Java. */
    public MemorySegment segment() {
        return segment;
    }

    /** Frees the memory. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            status.check(calls.memFree(segment.address()), "cuMemFree");
        }
    }
}
