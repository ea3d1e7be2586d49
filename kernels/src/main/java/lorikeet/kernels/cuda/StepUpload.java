package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.KernelLaunch;
import lorikeet.bindings.PinnedMemory;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;

/**
 * Brings each step's description to the device: always to the same address, so that recorded steps find it there, and
 * through two page-locked buffers, so that one can be filled while the other is on its way. A kernel fetches it, since a
 * copy would wait for those of adapters.
 */
final class StepUpload implements AutoCloseable {
    private static final long FIRST_BYTES = 1L << 20;
    private static final int VECTOR_BYTES = 16;
    private static final int THREADS = 256;

    /** Enough to fill the bus. */
    private static final int MOST_BLOCKS = 16;

    private final CudaContext context;
    private final CudaStream stream;
    private final KernelLaunch kernel;
    private final StepBuffer writer = new StepBuffer();
    private final PinnedMemory[] host = new PinnedMemory[2];
    private final CudaEvent[] sent;
    private DeviceMemory device;
    private int next;

    StepUpload(CudaContext context, Kernels kernels, CudaStream stream) {
        this.context = context;
        this.stream = stream;
        this.kernel = kernels.uploadStep;
        sent = new CudaEvent[] {context.event(), context.event()};
        device = allocate(FIRST_BYTES);
    }

    private DeviceMemory allocate(long bytes) {
        host[0] = context.pinned(bytes);
        host[1] = context.pinned(bytes);
        return context.allocate(bytes);
    }

    /** Makes room for a step; true if the address has changed, so that what was recorded is of no use any more. */
    boolean reserve(Batch batch, KvCache cache) {
        long bytes = StepBuffer.bytes(batch, cache);
        if (bytes <= device.bytes()) {
            return false;
        }
        stream.synchronize();
        free();
        device = allocate(2 * bytes);
        return true;
    }

    /**
     * Puts the upload of a step into the stream. {@link #reserve} was called before. Kernels read the step before they
     * wait for the one in front, so the upload has to have ended when the first of them starts: the event behind it
     * keeps them apart.
     */
    void send(Batch batch, KvCache cache, long kvBase) {
        sent[next].synchronize();
        long bytes = writer.write(batch, cache, host[next].segment(), device.address(), kvBase);
        int vectors = Math.toIntExact((bytes + VECTOR_BYTES - 1) / VECTOR_BYTES);
        kernel.grid(Math.clamp(Math.ceilDiv(vectors, THREADS), 1, MOST_BLOCKS), 1, 1)
                .block(THREADS, 1, 1, 0)
                .set(0, host[next].segment().address())
                .set(1, device.address())
                .set(2, vectors)
                .launch(stream.handle());
        sent[next].record(stream);
        next = 1 - next;
    }

    /** The device address of the step. */
    long address() {
        return device.address();
    }

    private void free() {
        device.close();
        host[0].close();
        host[1].close();
    }

    @Override
    public void close() {
        free();
        sent[0].close();
        sent[1].close();
    }
}
