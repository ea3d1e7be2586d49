package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.PinnedMemory;

/**
 * Page-locked memory that grows to what is asked for, and loses its content when it does. Whoever asks makes sure that
 * nothing on the device uses it any more.
 */
final class GrowingPinned implements AutoCloseable {
    private static final long FIRST_BYTES = 64L << 10;

    private final CudaContext context;
    private PinnedMemory memory;

    GrowingPinned(CudaContext context) {
        this.context = context;
        memory = context.pinned(FIRST_BYTES);
    }

    /** Memory of this size at least. Kernels find it at the same address. */
    MemorySegment atLeast(long bytes) {
        if (memory.segment().byteSize() < bytes) {
            PinnedMemory grown = context.pinned(2 * bytes);
            memory.close();
            memory = grown;
        }
        return memory.segment();
    }

    /** The memory as it is. */
    MemorySegment segment() {
        return memory.segment();
    }

    long address() {
        return memory.segment().address();
    }

    @Override
    public void close() {
        memory.close();
    }
}
