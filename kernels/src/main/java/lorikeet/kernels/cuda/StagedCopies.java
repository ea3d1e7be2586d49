package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.PinnedMemory;

/**
 * Copies from memory that the device can't read: several threads bring pieces of it to page-locked buffers, from where
 * the copy engine takes them. A single thread copies at a fifth of the bus' speed. One copy at a time.
 */
final class StagedCopies implements AutoCloseable {
    static final int MOST_LANES = 8;

    /** Small enough that all lanes have something to do where tensors are a few MiB, and large enough for the bus. */
    private static final long PIECE_BYTES = 512L << 10;

    private final CudaContext context;
    private final CudaStream stream;
    private final Lanes lanes;
    private final List<Lane> opened = new ArrayList<>();

    /** A thread's buffers, of which one is filled while the other is on its way. */
    private static final class Lane implements AutoCloseable {
        private final PinnedMemory[] buffers;
        private final CudaEvent[] sent;
        private int next;

        Lane(CudaContext context) {
            buffers = new PinnedMemory[] {context.pinned(PIECE_BYTES), context.pinned(PIECE_BYTES)};
            sent = new CudaEvent[] {context.event(), context.event()};
        }

        @Override
        public void close() {
            for (int i = 0; i < buffers.length; i++) {
                sent[i].synchronize();
                buffers[i].close();
                sent[i].close();
            }
        }
    }

    /**
     * Opens nothing yet: where everything is registered, threads and buffers aren't needed.
     *
     * @param stream gets the copies; nobody else puts something into it during {@link #copy}
     */
    StagedCopies(CudaContext context, CudaStream stream) {
        this.context = context;
        this.stream = stream;
        this.lanes = new Lanes("lorikeet-copy", Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MOST_LANES));
    }

    /**
     * Puts a copy into the stream. When it returns the source has been read, all of it.
     *
     * @throws InternalError if the source is a mapped file that was cut short; a part may have been copied
     */
    void copy(MemorySegment from, long to) {
        int needed = lanes.busy(from.byteSize(), PIECE_BYTES);
        while (opened.size() < needed) {
            opened.add(new Lane(context));
        }
        lanes.run(from.byteSize(), PIECE_BYTES, (lane, at, bytes) -> send(opened.get(lane), from, at, bytes, to));
    }

    private void send(Lane lane, MemorySegment from, long at, long bytes, long to) {
        context.use();
        int current = lane.next;
        lane.next = 1 - current;
        lane.sent[current].synchronize();
        MemorySegment buffer = lane.buffers[current].segment();
        MemorySegment.copy(from, at, buffer, 0, bytes);
        synchronized (stream) {
            stream.copyToDevice(to + at, buffer, bytes);
            lane.sent[current].record(stream);
        }
    }

    @Override
    public void close() {
        lanes.close();
        opened.forEach(Lane::close);
        opened.clear();
    }
}
