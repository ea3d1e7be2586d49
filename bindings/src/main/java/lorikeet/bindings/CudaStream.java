package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.MemorySegment;

/**
 * A queue of work for a device, done in order. Its maker closes it. Calls return as soon as the work is in the queue,
 * unless they say otherwise; they allocate nothing. For one thread at a time, whose context is the stream's.
 *
 * <p>Device memory is given by address. Host memory must stay, unchanged, until the work is done; a copy from memory that
 * is not page-locked may block the caller.
 */
public final class CudaStream implements AutoCloseable {
    /** Captures what this thread puts into the stream, whatever other threads do meanwhile. */
    private static final int CAPTURE_MODE_RELAXED = 2;

    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment stream;

    CudaStream(DeviceCalls calls, CudaStatus status, MemorySegment stream) {
        this.calls = calls;
        this.status = status;
        this.stream = stream;
    }

    /** The driver's CUstream, for launches. */
    public MemorySegment handle() {
        return stream;
    }

    /** Copies {@code bytes} bytes from the start of host memory. */
    public void copyToDevice(long to, MemorySegment from, long bytes) {
        status.check(calls.memcpyHtoDAsync(to, from, bytes, stream), "cuMemcpyHtoDAsync");
    }

    /** Copies {@code bytes} bytes to the start of host memory. */
    public void copyToHost(MemorySegment to, long from, long bytes) {
        status.check(calls.memcpyDtoHAsync(to, from, bytes, stream), "cuMemcpyDtoHAsync");
    }

    /** Copies device memory. */
    public void copyOnDevice(long to, long from, long bytes) {
        status.check(calls.memcpyDtoDAsync(to, from, bytes, stream), "cuMemcpyDtoDAsync");
    }

    /** Sets every byte of device memory. */
    public void fill(long to, byte value, long bytes) {
        status.check(calls.memsetD8Async(to, value, bytes, stream), "cuMemsetD8Async");
    }

    /** Lets work that follows in this stream wait for what was before the event in another. */
    public void waitFor(CudaEvent event) {
        status.check(calls.streamWaitEvent(stream, event.handle(), 0), "cuStreamWaitEvent");
    }

    /** Blocks the caller until all work so far is done. */
    public void synchronize() {
        status.check(calls.streamSynchronize(stream), "cuStreamSynchronize");
    }

    /** From here on, work is recorded instead of done. Nothing may wait for it until {@link #endCapture}. */
    public void beginCapture() {
        status.check(calls.streamBeginCapture(stream, CAPTURE_MODE_RELAXED), "cuStreamBeginCapture");
    }

    /** Ends the recording and makes of it a graph, which the caller closes. */
    public CudaGraph endCapture() {
        MemorySegment graph =
                CudaContext.handle(out -> status.check(calls.streamEndCapture(stream, out), "cuStreamEndCapture"));
        try {
            MemorySegment executable = CudaContext.handle(
                    out -> status.check(calls.graphInstantiate(out, graph, 0), "cuGraphInstantiateWithFlags"));
            return new CudaGraph(calls, status, executable);
        } finally {
            status.check(calls.graphDestroy(graph), "cuGraphDestroy");
        }
    }

    /** Gives up a recording. Does nothing if none is under way. */
    public void abandonCapture() {
        CudaContext.handle(out -> {
            out.set(ADDRESS, 0, MemorySegment.NULL);
            int code = calls.streamEndCapture(stream, out);
            MemorySegment graph = out.get(ADDRESS, 0);
            if (code == CudaStatus.SUCCESS && graph.address() != 0) {
                status.check(calls.graphDestroy(graph), "cuGraphDestroy");
            }
        });
    }

    /** Destroys the stream once its work is done; doesn't wait for that. */
    @Override
    public void close() {
        status.check(calls.streamDestroy(stream), "cuStreamDestroy");
    }
}
