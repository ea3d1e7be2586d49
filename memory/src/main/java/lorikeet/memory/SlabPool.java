package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Off-heap memory in slabs of one size, lent to whoever needs it: what adapters don't hold is cache, and the other way
 * round.
 *
 * <p>Memory is reserved in chunks, when it is first needed, so a large limit costs nothing until it is used. Reserved
 * memory is kept until the pool is closed. A slab's content is whatever its last holder left there.
 *
 * <p>Running out of slabs is an answer, not an exception. If the system refuses to reserve more, the pool logs a warning
 * and goes on with what it has; {@link #capacity} tells. The limits of the JVM's heap and of its direct buffers don't
 * count for this memory.
 *
 * <p>Ownership: the pool owns all memory; {@link #close} frees it, lent or not, and the segments must not be used after
 * that. Lending and taking back are safe from any thread, under one lock that is held for longer than a moment only
 * while a chunk is being reserved. What is done with the content is between the holders.
 */
public final class SlabPool implements AutoCloseable {
    /** What {@link #acquire()} answers when no slab is left. */
    public static final int NONE = -1;

    private static final System.Logger LOG = System.getLogger(SlabPool.class.getName());

    private final SlabSource source;
    private final long slabBytes;
    private final FreeSlabs free = new FreeSlabs();
    private final NavigableMap<Integer, MemorySegment> chunks = new TreeMap<>();
    private int capacity;
    private boolean closed;

    /** The reserved slabs' memory by index; replaced, not changed, when more is reserved. */
    private volatile MemorySegment[] slabs = {};

    /**
     * A pool that lends up to {@code capacity} slabs.
     *
     * @param slabBytes the size of a slab, a positive multiple of 64. Slabs are aligned to 64 bytes, and to 4096 if
     *     their size is a multiple of that
     */
    public SlabPool(long slabBytes, int capacity) {
        this(slabBytes, capacity, new HostSlabs());
    }

    /**
     * A pool that lends up to {@code capacity} slabs of memory from elsewhere, such as a device's.
     *
     * @param slabBytes the size of a slab, a positive multiple of 64
     * @param source owned by the pool from here on
     */
    public SlabPool(long slabBytes, int capacity, SlabSource source) {
        if (slabBytes <= 0 || slabBytes % 64 != 0) {
            throw new IllegalArgumentException("slabs of " + slabBytes + " bytes; a positive multiple of 64 is needed");
        }
        if (capacity < 0) {
            throw new IllegalArgumentException("negative capacity: " + capacity);
        }
        Math.multiplyExact(slabBytes, capacity);
        this.slabBytes = slabBytes;
        this.capacity = capacity;
        this.source = source;
    }

    /** The size of a slab in bytes. */
    public long slabBytes() {
        return slabBytes;
    }

    /** The most slabs that can be lent at a time. It falls if the system refuses to reserve as many. */
    public synchronized int capacity() {
        return capacity;
    }

    /** The slabs that are not lent. */
    public synchronized int available() {
        return capacity - free.reserved() + free.size();
    }

    /** The bytes that the pool holds at present, lent or not. */
    public synchronized long reservedBytes() {
        return free.reserved() * slabBytes;
    }

    /**
     * Lends one slab. Allocates nothing on the heap, unless a chunk has to be reserved.
     *
     * @return its index, or {@link #NONE} if none is left
     */
    public synchronized int acquire() {
        checkOpen();
        if (free.size() == 0) {
            reserve(1);
        }
        return free.size() == 0 ? NONE : free.takeLowest();
    }

    /**
     * Takes back a slab that {@link #acquire()} lent. Allocates nothing on the heap. Does nothing after {@link #close}.
     *
     * @throws IllegalStateException if the slab isn't lent
     */
    public synchronized void release(int slab) {
        if (!closed) {
            free.give(slab, 1);
        }
    }

    /**
     * The memory of a slab. Allocates nothing, takes no lock, and doesn't check whether the slab is lent.
     *
     * @throws IndexOutOfBoundsException if there has never been such a slab
     */
    public MemorySegment memory(int slab) {
        return slabs[slab];
    }

    /**
     * Lends {@code count} slabs or none: neighbours if possible, else in as few runs as can be found quickly.
     *
     * @return empty if fewer are available
     */
    public synchronized Optional<SlabLease> lease(int count) {
        checkOpen();
        checkCount(count);
        if (count > capacity - free.reserved() + free.size()) {
            return Optional.empty();
        }
        if (free.bestRun(count).length() < count) {
            reserve(count);
        }
        if (count > free.size()) {
            return Optional.empty();
        }
        return Optional.of(new SlabLease(this, free.take(count)));
    }

    /**
     * Lends {@code count} slabs that are neighbours, or none.
     *
     * @return empty if there are no {@code count} free neighbours; there may still be as many slabs apart
     */
    public synchronized Optional<SlabLease> leaseRun(int count) {
        checkOpen();
        checkCount(count);
        if (free.bestRun(count).length() < count && capacity - free.reserved() >= count) {
            reserve(count);
        }
        if (free.bestRun(count).length() < count) {
            return Optional.empty();
        }
        return Optional.of(new SlabLease(this, free.take(count)));
    }

    /**
     * Lends the slabs of a plan, all or none.
     *
     * @return the lease, whose {@link SlabLease#memory} has one segment for each run of the plan; empty if the free slabs
     *     don't have such runs
     */
    public synchronized Optional<SlabLease> lease(SlabPlan plan) {
        checkOpen();
        List<SlabRun> taken = new ArrayList<>(plan.runs());
        // The longest runs come first, so that short ones don't break what the long ones need.
        for (int i = 0; i < plan.runs(); i++) {
            int count = plan.length(i);
            if (free.bestRun(count).length() < count && capacity - free.reserved() >= count) {
                reserve(count);
            }
            if (free.bestRun(count).length() < count) {
                release(taken);
                return Optional.empty();
            }
            taken.addAll(free.take(count));
        }
        return Optional.of(new SlabLease(this, taken));
    }

    /** Frees all memory. Threads that still use it get an {@link IllegalStateException}. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            source.close();
            closed = true;
        }
    }

    synchronized void release(List<SlabRun> runs) {
        if (!closed) {
            runs.forEach(run -> free.give(run.first(), run.length()));
        }
    }

    synchronized MemorySegment memory(SlabRun run) {
        Map.Entry<Integer, MemorySegment> chunk = chunks.floorEntry(run.first());
        return chunk.getValue().asSlice((run.first() - chunk.getKey()) * slabBytes, run.length() * slabBytes);
    }

    /**
     * Reserves a chunk for {@code count} slabs: more if that is little, fewer if the limit has it so. If there is no memory
     * for as many, it tries with a quarter less, down to what is needed now.
     */
    private void reserve(int count) {
        int first = free.reserved();
        int usual = (int) Math.min(Integer.MAX_VALUE, source.chunkBytes() / slabBytes);
        int length = Math.min(Math.max(count, usual), capacity - first);
        if (length == 0) {
            return;
        }
        Optional<MemorySegment> reserved = source.reserve(length * slabBytes);
        while (reserved.isEmpty() && length > count) {
            length = Math.max(count, length - Math.ceilDiv(length, 4));
            reserved = source.reserve(length * slabBytes);
        }
        if (reserved.isEmpty()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the slab pool wants " + capacity * slabBytes + " bytes and stays at " + reservedBytes());
            capacity = first;
            return;
        }
        MemorySegment chunk = reserved.get();
        MemorySegment[] grown = Arrays.copyOf(slabs, first + length);
        for (int i = 0; i < length; i++) {
            grown[first + i] = chunk.asSlice(i * slabBytes, slabBytes);
        }
        slabs = grown;
        chunks.put(first, chunk);
        free.addChunk(length);
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the slab pool is closed");
        }
    }

    private static void checkCount(int count) {
        if (count < 1) {
            throw new IllegalArgumentException(count + " slabs; at least one is needed");
        }
    }
}
