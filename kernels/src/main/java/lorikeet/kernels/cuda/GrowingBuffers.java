package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.PinnedMemory;

/** The sampler's memory, which grows to what the largest step needs. A buffer that has grown has lost its content. */
final class GrowingBuffers implements AutoCloseable {
    private static final long FIRST_BYTES = 64L << 10;

    private final CudaContext context;
    private PinnedMemory rows;
    private PinnedMemory back;
    private DeviceMemory deviceRows;
    private DeviceMemory summaries;
    private DeviceMemory results;

    GrowingBuffers(CudaContext context) {
        this.context = context;
        rows = context.pinned(FIRST_BYTES);
        back = context.pinned(FIRST_BYTES);
        deviceRows = context.allocate(FIRST_BYTES);
        summaries = context.allocate(FIRST_BYTES);
        results = context.allocate(FIRST_BYTES);
    }

    /** Page-locked memory for the rows' settings, and as much on the device. */
    MemorySegment rows(long bytes) {
        rows = grown(rows, bytes);
        deviceRows = grown(deviceRows, bytes);
        return rows.segment();
    }

    long deviceRows() {
        return deviceRows.address();
    }

    /** Page-locked memory for what comes back. */
    MemorySegment back(long bytes) {
        back = grown(back, bytes);
        return back.segment();
    }

    long summaries(long bytes) {
        summaries = grown(summaries, bytes);
        return summaries.address();
    }

    long results(long bytes) {
        results = grown(results, bytes);
        return results.address();
    }

    private PinnedMemory grown(PinnedMemory memory, long bytes) {
        if (memory.segment().byteSize() >= bytes) {
            return memory;
        }
        memory.close();
        return context.pinned(2 * bytes);
    }

    private DeviceMemory grown(DeviceMemory memory, long bytes) {
        if (memory.bytes() >= bytes) {
            return memory;
        }
        memory.close();
        return context.allocate(2 * bytes);
    }

    @Override
    public void close() {
        rows.close();
        back.close();
        deviceRows.close();
        summaries.close();
        results.close();
    }
}
