package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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
    private final CudaEvent[] sent;
    private Buffers buffers;
    private int next;

    /** Where steps lie on the device, and the page-locked memory that they come from. */
    private record Buffers(DeviceMemory device, List<PinnedMemory> host) implements AutoCloseable {
        static Buffers of(CudaContext context, long bytes) {
            List<PinnedMemory> host = new ArrayList<>();
            try {
                host.add(context.pinned(bytes));
                host.add(context.pinned(bytes));
                return new Buffers(context.allocate(bytes), host);
            } catch (RuntimeException | Error e) {
                host.forEach(PinnedMemory::close);
                throw e;
            }
        }

        @Override
        public void close() {
            device.close();
            host.forEach(PinnedMemory::close);
        }
    }

    StepUpload(CudaContext context, Kernels kernels, CudaStream stream) {
        this.context = context;
        this.stream = stream;
        this.kernel = kernels.uploadStep;
        sent = new CudaEvent[] {context.event(), context.event()};
        buffers = Buffers.of(context, FIRST_BYTES);
    }

    /** Makes room for a step; true if the address has changed, so that what was recorded is of no use any more. */
    boolean reserve(Batch batch, KvCache cache) {
        long bytes = StepBuffer.bytes(batch, cache);
        if (bytes <= buffers.device.bytes()) {
            return false;
        }
        Buffers larger = Buffers.of(context, 2 * bytes);
        stream.synchronize();
        buffers.close();
        buffers = larger;
        return true;
    }

    /**
     * Puts the upload of a step into the stream. {@link #reserve} was called before. Kernels read the step before they
     * wait for the one in front, so the upload has to have ended when the first of them starts: the event behind it
     * keeps them apart.
     */
    void send(Batch batch, KvCache cache, long kvBase) {
        sent[next].synchronize();
        MemorySegment host = buffers.host.get(next).segment();
        long bytes = writer.write(batch, cache, host, address(), kvBase);
        int vectors = Math.toIntExact((bytes + VECTOR_BYTES - 1) / VECTOR_BYTES);
        kernel.grid(Math.clamp(Math.ceilDiv(vectors, THREADS), 1, MOST_BLOCKS), 1, 1)
                .block(THREADS, 1, 1, 0)
                .set(0, host.address())
                .set(1, address())
                .set(2, vectors)
                .launch(stream.handle());
        sent[next].record(stream);
        next = 1 - next;
    }

    /** The device address of the step. */
    long address() {
        return buffers.device.address();
    }

    @Override
    public void close() {
        buffers.close();
        sent[0].close();
        sent[1].close();
    }
}
