package lorikeet.bindings;

/**
 * A stopwatch for a stream: tells how long the device worked on what was put in between {@link #start} and {@link #stop}.
 * Its maker closes it. For the thread that fills the stream.
 */
public final class StreamTimer implements AutoCloseable {
    private final CudaStream stream;
    private final CudaEvent start;
    private final CudaEvent stop;

    /** A stopwatch for a stream of this context. */
    public StreamTimer(CudaContext context, CudaStream stream) {
        this.stream = stream;
        start = context.timingEvent();
        stop = context.timingEvent();
    }

    /** Starts once the device has done all that is in the stream now. */
    public void start() {
        start.record(stream);
    }

    /** Stops once the device has done all that is in the stream now. */
    public void stop() {
        stop.record(stream);
    }

    /** Waits for the stop; the milliseconds of device time since the start. */
    public float milliseconds() {
        stop.synchronize();
        return stop.millisecondsSince(start);
    }

    @Override
    public void close() {
        start.close();
        stop.close();
    }
}
