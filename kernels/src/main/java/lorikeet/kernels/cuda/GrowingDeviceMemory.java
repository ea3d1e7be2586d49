package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;

/** Device memory for the work of one stream that grows to what is asked for, and loses its content when it does. */
final class GrowingDeviceMemory implements AutoCloseable {
    private static final long FIRST_BYTES = 64L << 10;

    private final CudaContext context;
    private final CudaStream stream;
    private DeviceMemory memory;

    GrowingDeviceMemory(CudaContext context, CudaStream stream) {
        this.context = context;
        this.stream = stream;
        memory = context.allocate(FIRST_BYTES);
    }

    /** The address of memory of this size at least. Waits for the stream if it has to grow. */
    long atLeast(long bytes) {
        if (memory.bytes() < bytes) {
            DeviceMemory grown = context.allocate(2 * bytes);
            stream.synchronize();
            memory.close();
            memory = grown;
        }
        return memory.address();
    }

    long address() {
        return memory.address();
    }

    @Override
    public void close() {
        memory.close();
    }
}
