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
    private PinnedMemory tokens;
    private DeviceMemory deviceTokens;
    private DeviceMemory seen;
    private PinnedMemory biases;
    private DeviceMemory deviceBiases;

    GrowingBuffers(CudaContext context) {
        this.context = context;
        rows = context.pinned(FIRST_BYTES);
        back = context.pinned(FIRST_BYTES);
        deviceRows = context.allocate(FIRST_BYTES);
        summaries = context.allocate(FIRST_BYTES);
        results = context.allocate(FIRST_BYTES);
        tokens = context.pinned(FIRST_BYTES);
        deviceTokens = context.allocate(FIRST_BYTES);
        seen = context.allocate(FIRST_BYTES);
        biases = context.pinned(FIRST_BYTES);
        deviceBiases = context.allocate(FIRST_BYTES);
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

    /** Page-locked memory for the tokens that penalties apply to, and as much on the device. */
    MemorySegment tokens(long bytes) {
        tokens = grown(tokens, bytes);
        deviceTokens = grown(deviceTokens, bytes);
        return tokens.segment();
    }

    long deviceTokens() {
        return deviceTokens.address();
    }

    /** The rows with penalties: how often each token of the vocabulary was seen. */
    long seen(long bytes) {
        seen = grown(seen, bytes);
        return seen.address();
    }

    /** Page-locked memory for the tokens that have a bias, and as much on the device. */
    MemorySegment biases(long bytes) {
        biases = grown(biases, bytes);
        deviceBiases = grown(deviceBiases, bytes);
        return biases.segment();
    }

    long deviceBiases() {
        return deviceBiases.address();
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
        tokens.close();
        deviceTokens.close();
        seen.close();
        biases.close();
        deviceBiases.close();
    }
}
