package lorikeet.jmh.device;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.StreamTimer;
import lorikeet.kernels.cuda.CudaOperations;

/**
 * A GPU for what is measured below the operations.
 *
 * @param stream where everything is put
 * @param timer its stopwatch
 */
record Gpu(CudaContext context, CudaStream stream, StreamTimer timer) implements AutoCloseable {
    /** Opens a GPU, named as {@code cuda} or {@code cuda:N}; the caller closes it. */
    static Gpu open(String name) {
        if (!(CudaDriver.probe() instanceof CudaProbe.Available driver)) {
            throw new IllegalStateException(CudaDriver.probe().summary());
        }
        CudaDevice device = name.contains(":")
                ? driver.devices().get(Integer.parseInt(name.substring(name.indexOf(':') + 1)))
                : driver.firstWith(CudaOperations.OLDEST).orElseThrow();
        CudaContext context = driver.driver().open(device);
        CudaStream stream = context.stream(0);
        return new Gpu(context, stream, new StreamTimer(context, stream));
    }

    /** Waits for its work, on whatever thread; then what was made for it may be closed. */
    void settle() {
        context.use();
        stream.synchronize();
    }

    @Override
    public void close() {
        timer.close();
        stream.close();
        context.close();
    }
}
