package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A mark in a stream that one can wait for. Its maker closes it. Calls allocate nothing, except where they say so. */
public final class CudaEvent implements AutoCloseable {
    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment event;

    CudaEvent(DeviceCalls calls, CudaStatus status, MemorySegment event) {
        this.calls = calls;
        this.status = status;
        this.event = event;
    }

    MemorySegment handle() {
        return event;
    }

    /** Puts the mark behind all work that is in the stream now. */
    public void record(CudaStream stream) {
        status.check(calls.eventRecord(event, stream.handle()), "cuEventRecord");
    }

    /** Whether the device has reached the mark. */
    public boolean isDone() {
        return status.isDone(calls.eventQuery(event), "cuEventQuery");
    }

    /** Blocks the caller until the device has reached the mark; returns at once if it was never recorded. */
    public void synchronize() {
        status.check(calls.eventSynchronize(event), "cuEventSynchronize");
    }

    /** The milliseconds of device time between two marks that were reached. Allocates; for measuring. */
    public float millisecondsSince(CudaEvent start) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_FLOAT);
            status.check(calls.eventElapsedTime(out, start.event, event), "cuEventElapsedTime");
            return out.get(JAVA_FLOAT, 0);
        }
    }

    @Override
    public void close() {
        status.check(calls.eventDestroy(event), "cuEventDestroy");
    }
}
