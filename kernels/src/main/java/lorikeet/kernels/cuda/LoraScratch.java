package lorikeet.kernels.cuda;

import java.util.ArrayList;
import java.util.List;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaOutOfMemoryException;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import org.jspecify.annotations.Nullable;

/**
 * Where the shrunk inputs of a projection wait for the kernel that expands them: sized by the largest rank seen. Room for
 * larger ranks is made by the thread that brings the adapter, so that a device without memory for it refuses that adapter
 * instead of failing steps.
 */
final class LoraScratch implements AutoCloseable {
    static final int MAX_RANK = 256;

    /** Blocks that share the ranks of a split of the inputs, at most. */
    static final int MOST_RANK_SHARES = 4;

    /** Partial sums of a component that the blocks of a launch leave to one another, at most. */
    static final int MOST_LEFT_SPLITS = 8;

    private static final int RANK_STEP = 16;
    private static final int MOST_PARTS = 3;
    static final int MOST_SPLITS = 16;

    private final CudaContext context;
    private final CudaStream stream;

    /** What steps use; their thread's alone, but for {@link #reserve}, which only reads it under the lock. */
    private @Nullable Room room;

    /** What was reserved since, and not taken into use so far. */
    private @Nullable Room larger;

    /** In which the blocks of a launch count themselves when they don't need those sums any more: zero between launches. */
    private final DeviceMemory released;

    /**
     * Memory for so many components of a row, and so many rows; left: for sums that blocks leave to one another, full of
     * {@link DecodeProducts#NO_SUM} between launches.
     */
    private record Room(DeviceMemory memory, DeviceMemory left, int stride, int tokens) {
        void close() {
            memory.close();
            left.close();
        }
    }

    LoraScratch(CudaContext context, CudaStream stream) {
        this.context = context;
        this.stream = stream;
        released = context.allocate(Integer.BYTES);
        stream.fill(released.address(), (byte) 0, released.bytes());
    }

    /**
     * Makes room for adapters of that rank, which {@link #adopt} takes into use. Any thread.
     *
     * @throws CudaOutOfMemoryException if the device hasn't as much; nothing has changed then
     */
    synchronized void reserve(int rank, int mostTokens) {
        Room last = larger != null ? larger : room;
        if (last != null && rank <= last.stride && mostTokens <= last.tokens) {
            return;
        }
        // Doubled, so that recorded steps are given up a few times at most.
        int stride = last == null ? RANK_STEP : last.stride;
        while (stride < rank) {
            stride *= 2;
        }
        int tokens = last == null ? mostTokens : Math.max(last.tokens, mostTokens);
        // Few rows with an adapter among many without are split as if there were no others.
        long rows = (long) MOST_SPLITS * tokens;
        context.use();
        long bytes = (long) MOST_PARTS * stride * Float.BYTES; // of a row
        List<DeviceMemory> made = new ArrayList<>();
        try {
            made.add(context.allocate(rows * bytes));
            made.add(context.allocate(DecodeProducts.MOST_ROWS * MOST_LEFT_SPLITS * bytes));
        } catch (CudaOutOfMemoryException e) {
            made.forEach(DeviceMemory::close);
            throw e;
        }
        if (larger != null) {
            larger.close();
        }
        larger = new Room(made.get(0), made.get(1), stride, tokens);
    }

    /** Takes what was reserved into use; true if the address has changed, and with it perhaps the stride. Steps' thread. */
    synchronized boolean adopt() {
        if (larger == null) {
            return false;
        }
        if (room != null) {
            stream.synchronize();
            room.close();
        }
        room = larger;
        larger = null;
        stream.fill(room.left.address(), DecodeProducts.NO_SUM, room.left.bytes());
        return true;
    }

    private Room room() {
        if (room == null) {
            throw new IllegalStateException("no room was reserved");
        }
        return room;
    }

    long address() {
        return room().memory.address();
    }

    /** Where the blocks of a launch leave partial sums to one another. */
    long leftAddress() {
        return room().left.address();
    }

    long releasedAddress() {
        return released.address();
    }

    /** Components from one row of shrunk inputs to the next. */
    int stride() {
        return room().stride;
    }

    @Override
    public synchronized void close() {
        if (room != null) {
            room.close();
        }
        if (larger != null) {
            larger.close();
        }
        released.close();
    }
}
