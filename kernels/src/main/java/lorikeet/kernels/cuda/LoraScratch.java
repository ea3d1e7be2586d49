package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import org.jspecify.annotations.Nullable;

/** Where the shrunk inputs of a projection wait for the kernel that expands them: sized by the largest rank seen. */
final class LoraScratch implements AutoCloseable {
    static final int MAX_RANK = 256;

    private static final int RANK_STEP = 16;
    private static final int MOST_PARTS = 3;
    private static final int MOST_SPLITS = 16;

    private final CudaContext context;
    private final CudaStream stream;
    private @Nullable DeviceMemory memory;
    private int stride = RANK_STEP;
    private int tokens;

    LoraScratch(CudaContext context, CudaStream stream) {
        this.context = context;
        this.stream = stream;
    }

    /** Makes room for adapters of that rank; true if the address or the stride has changed. */
    boolean reserve(int rank, int mostTokens) {
        if (memory != null && rank <= stride && mostTokens <= tokens) {
            return false;
        }
        if (memory != null) {
            stream.synchronize();
            memory.close();
        }
        // Doubled, so that recorded steps are given up a few times at most.
        while (stride < rank) {
            stride *= 2;
        }
        tokens = Math.max(tokens, mostTokens);
        // Few rows with an adapter among many without are split as if there were no others.
        long rows = (long) MOST_SPLITS * tokens;
        memory = context.allocate(rows * MOST_PARTS * stride * Float.BYTES);
        return true;
    }

    long address() {
        return memory == null ? 0 : memory.address();
    }

    /** Components from one row of shrunk inputs to the next. */
    int stride() {
        return stride;
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.close();
        }
    }
}
