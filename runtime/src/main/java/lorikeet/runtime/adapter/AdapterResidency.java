package lorikeet.runtime.adapter;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.SequencedSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Operations;
import lorikeet.memory.SlabLease;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.engine.Reclaimer;
import lorikeet.runtime.engine.Residency;
import org.jspecify.annotations.Nullable;

/**
 * Lends slabs of the pool to the adapters that requests need. The weights of an adapter that nobody needs stay where they
 * are until something else needs the room; then the one that was used longest ago goes first.
 *
 * <p>Owns the threads that copy and close adapters, and all slabs that it lends. Apart from {@link #retire} it belongs to
 * the engine's thread: what other threads have to say waits in a queue until {@link #poll}.
 */
public final class AdapterResidency implements Residency, AutoCloseable {
    private final SlabPool pool;
    private final Reclaimer reclaimer;
    private final LongSupplier steps;
    private final Runnable wake;
    private final AdapterCopies copies;
    private final AdapterCloser closer = new AdapterCloser();
    private final Map<Long, ResidentAdapter> adapters = new HashMap<>();

    /** Those that are there and that nobody holds, pinned ones too, from the one used longest ago. */
    private final SequencedSet<ResidentAdapter> idle = new LinkedHashSet<>();

    private final Queue<Runnable> inbox = new ConcurrentLinkedQueue<>();

    /** Guards {@code closed} together with what is put into the inbox. */
    private final Object lock = new Object();

    /** How often the engine has come round: once for each {@link #poll}. */
    private long rounds;

    private boolean closed;

    /**
     * Starts with no adapter on the device.
     *
     * @param operations copy the weights
     * @param pool lends the slabs
     * @param reclaimer gives up cached prefixes when room is needed
     * @param steps the number of the current step
     * @param wake makes the engine's thread call {@link #poll} soon; called on any thread
     */
    public AdapterResidency(
            Operations operations, SlabPool pool, Reclaimer reclaimer, LongSupplier steps, Runnable wake) {
        this.pool = pool;
        this.reclaimer = reclaimer;
        this.steps = steps;
        this.wake = wake;
        this.copies = new AdapterCopies(operations);
    }

    @Override
    public Presence ask(AdapterLease lease) {
        ResidentAdapter adapter = adapters.get(lease.id());
        if (adapter == null || adapter.mayTryAgain(steps.getAsLong())) {
            Optional<SlabLease> slabs = room(lease);
            if (slabs.isEmpty()) {
                return Presence.NO_ROOM;
            }
            adapter = start(lease.version(), slabs.get());
        }
        adapter.askedFor(rounds);
        touch(adapter);
        return adapter.presence();
    }

    /** Slabs for an adapter; to get them, others may have to go. */
    private Optional<SlabLease> room(AdapterLease lease) {
        while (true) {
            Optional<SlabLease> slabs = pool.lease(lease.loaded().plan());
            if (slabs.isPresent() || !makeRoom()) {
                return slabs;
            }
        }
    }

    /** Gives up what was used longest ago, an adapter or a cached prefix. */
    private boolean makeRoom() {
        ResidentAdapter oldest = oldestIdle(true);
        if (oldest == null) {
            return reclaimer.freeSlab();
        }
        if (reclaimer.oldestUse() < oldest.lastUse() && reclaimer.freeSlab()) {
            return true;
        }
        evict(oldest);
        return true;
    }

    private ResidentAdapter start(AdapterVersion version, SlabLease slabs) {
        ResidentAdapter adapter = new ResidentAdapter(version, slabs);
        adapters.put(version.id(), adapter);
        copies.copy(version.loaded(), slabs, new AdapterCopies.Listener() {
            @Override
            public void copied(AdapterWeights weights) {
                post(() -> arrived(adapter, weights));
            }

            @Override
            public void failed(LorikeetException failure) {
                post(() -> fail(adapter, failure));
            }
        });
        return adapter;
    }

    private void arrived(ResidentAdapter adapter, AdapterWeights weights) {
        adapter.arrived(weights);
        adapter.version().resident(true);
        adapter.version().counters().fetches.increment();
        idle.add(adapter);
        if (adapter.isRetired()) {
            drop(adapter);
        }
    }

    private void fail(ResidentAdapter adapter, LorikeetException failure) {
        adapter.failed(failure, steps.getAsLong());
        if (adapter.isRetired()) {
            drop(adapter);
        }
    }

    private void touch(ResidentAdapter adapter) {
        adapter.use(steps.getAsLong());
        if (idle.remove(adapter)) {
            idle.add(adapter);
        }
    }

    @Override
    public AdapterWeights weights(AdapterLease lease) {
        return find(lease).weights();
    }

    @Override
    public LorikeetException failure(AdapterLease lease) {
        return find(lease).failure();
    }

    @Override
    public void hold(AdapterLease lease) {
        ResidentAdapter adapter = find(lease);
        adapter.hold();
        idle.remove(adapter);
    }

    @Override
    public void release(AdapterLease lease) {
        ResidentAdapter adapter = find(lease);
        adapter.use(steps.getAsLong());
        if (!adapter.release()) {
            return;
        }
        if (adapter.isRetired()) {
            drop(adapter);
        } else {
            idle.add(adapter);
        }
    }

    private ResidentAdapter find(AdapterLease lease) {
        ResidentAdapter adapter = adapters.get(lease.id());
        if (adapter == null) {
            throw new IllegalStateException("the adapter " + lease.version() + " was not asked for, or has gone");
        }
        return adapter;
    }

    @Override
    public boolean poll() {
        rounds++;
        boolean changed = false;
        for (Runnable news = inbox.poll(); news != null; news = inbox.poll()) {
            news.run();
            changed = true;
        }
        return changed;
    }

    @Override
    public boolean isCopying() {
        return adapters.values().stream().anyMatch(adapter -> adapter.presence() == Presence.COMING);
    }

    @Override
    public boolean evictOne() {
        ResidentAdapter oldest = oldestIdle(false);
        if (oldest == null) {
            return false;
        }
        evict(oldest);
        return true;
    }

    @Override
    public long oldestUse() {
        ResidentAdapter oldest = oldestIdle(false);
        return oldest == null ? Long.MAX_VALUE : oldest.lastUse();
    }

    /**
     * The one to give up next, if there is any.
     *
     * @param sparing passes over those that have come for a request which is about to start: two adapters that don't fit
     *     together would else push each other out for ever
     */
    private @Nullable ResidentAdapter oldestIdle(boolean sparing) {
        for (ResidentAdapter adapter : idle) {
            if (!adapter.version().pinned() && !(sparing && adapter.isAwaited(rounds))) {
                return adapter;
            }
        }
        return null;
    }

    private void evict(ResidentAdapter adapter) {
        adapter.version().counters().evictions.increment();
        forget(adapter);
    }

    private void forget(ResidentAdapter adapter) {
        idle.remove(adapter);
        adapters.remove(adapter.version().id());
        adapter.version().resident(false);
        adapter.close();
    }

    /**
     * Takes back what the device holds of a version that is gone, and then closes it. Returns at once. For any thread;
     * this is an {@link AdapterRegistry}'s retirement.
     */
    public void retire(AdapterVersion version) {
        synchronized (lock) {
            if (!closed) {
                inbox.add(() -> retireNow(version));
                wake.run();
                return;
            }
        }
        version.close();
    }

    private void retireNow(AdapterVersion version) {
        ResidentAdapter adapter = adapters.get(version.id());
        if (adapter == null) {
            closer.close(version);
        } else if (adapter.presence() == Presence.COMING || adapter.isHeld()) {
            adapter.retire();
        } else {
            drop(adapter);
        }
    }

    private void drop(ResidentAdapter adapter) {
        forget(adapter);
        closer.close(adapter.version());
    }

    private void post(Runnable news) {
        inbox.add(news);
        wake.run();
    }

    /**
     * Ends the threads and gives all slabs back. The engine must have ended; what is retired later is closed at once.
     * Closing again does nothing.
     */
    @Override
    public void close() {
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
        }
        copies.close();
        poll();
        for (ResidentAdapter adapter : adapters.values()) {
            adapter.version().resident(false);
            adapter.close();
        }
        adapters.clear();
        idle.clear();
        closer.close();
    }
}
