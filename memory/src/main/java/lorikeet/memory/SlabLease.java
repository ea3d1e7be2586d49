package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Slabs lent together by a {@link SlabPool}. Whoever holds the lease closes it, from any thread; only the first close
 * counts. The memory must not be used afterwards.
 */
public final class SlabLease implements AutoCloseable {
    private final SlabPool pool;
    private final List<SlabRun> runs;
    private final List<MemorySegment> memory;
    private boolean closed;

    SlabLease(SlabPool pool, List<SlabRun> runs) {
        this.pool = pool;
        this.runs = runs;
        this.memory = runs.stream().map(pool::memory).toList();
    }

    /** The indices of the slabs; neighbours follow one another. */
    public int[] slabs() {
        return runs.stream()
                .flatMapToInt(run -> IntStream.range(run.first(), run.first() + run.length()))
                .toArray();
    }

    /** The memory, one segment for each run of neighbours, in the order of {@link #slabs}. */
    public List<MemorySegment> memory() {
        return memory;
    }

    /** Gives the slabs back. Closing again does nothing. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        pool.release(runs);
    }
}
