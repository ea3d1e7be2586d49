package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.PinnedMemory;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;

/**
 * Brings each step's description to the device: always to the same address, so that recorded steps find it there, and
 * through two page-locked buffers, so that one can be filled while the other is on its way.
 */
final class StepUpload implements AutoCloseable {
    private static final long FIRST_BYTES = 1L << 20;

    private final CudaContext context;
    private final CudaStream stream;
    private final StepBuffer writer = new StepBuffer();
    private final PinnedMemory[] host = new PinnedMemory[2];
    private final CudaEvent[] sent;
    private DeviceMemory device;
    private int next;

    StepUpload(CudaContext context, CudaStream stream) {
        this.context = context;
        this.stream = stream;
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

    /** Puts the copy of a step into the stream. {@link #reserve} was called before. */
    void send(Batch batch, KvCache cache, long kvBase) {
        sent[next].synchronize();
        long bytes = writer.write(batch, cache, host[next].segment(), device.address(), kvBase);
        stream.copyToDevice(device.address(), host[next].segment(), bytes);
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
