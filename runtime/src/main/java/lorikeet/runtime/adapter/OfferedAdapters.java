package lorikeet.runtime.adapter;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/**
 * The adapters that a catalog offers, loaded when they are first asked for. Safe for use by several threads.
 *
 * <p>Where as many are loaded as may be, and requests hold all of them, a request for another waits: first come, first
 * served. The one whose turn it is takes the least recently used adapter away from requests to come. Those get it again,
 * but they stand behind, so nobody waits longer than the running requests take, however often the others are asked for.
 */
public final class OfferedAdapters {
    private static final int MOST_TRIES = 100;

    private final AdapterRegistry registry;
    private final AdapterCatalog catalog;
    private final ReentrantLock turn = new ReentrantLock(true);

    /** Those of a catalog, loaded into a registry. */
    public OfferedAdapters(AdapterRegistry registry, AdapterCatalog catalog) {
        this.registry = registry;
        this.catalog = catalog;
    }

    /**
     * Lends an adapter; if none has the name but the catalog offers one, that is loaded first, on this thread.
     *
     * @param patience how long to wait for room
     * @throws LorikeetException NOT_FOUND, NO_ROOM once patience is over, or why it couldn't be loaded
     */
    public AdapterLease lend(String name, Duration patience) {
        Optional<AdapterLease> loaded = registry.lend(name);
        if (loaded.isPresent()) {
            return loaded.get();
        }
        long deadline = System.nanoTime() + patience.toNanos();
        boolean mine = turn.isLocked() && awaitTurn(deadline);
        try {
            for (int tries = 1; ; tries++) {
                try {
                    return registry.lend(name, catalog);
                } catch (LorikeetException e) {
                    // Another's load may take the room that was made: then once more.
                    if (e.code() != ErrorCode.NO_ROOM || tries == MOST_TRIES) {
                        throw e;
                    }
                    boolean again = mine ? registry.makeRoom(catalog, deadline) : awaitTurn(deadline);
                    if (!again) {
                        throw e;
                    }
                    mine = true;
                }
            }
        } finally {
            if (mine) {
                turn.unlock();
            }
        }
    }

    private boolean awaitTurn(long deadline) {
        try {
            return turn.tryLock(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** A name is offered again once a call has loaded it. */
    public void offer(String name) {
        catalog.offer(name);
    }

    /** A name is offered no longer; true if it was. */
    public boolean withdraw(String name) {
        return catalog.withdraw(name);
    }

    /** The names on offer, loaded or not. */
    public List<String> names() {
        return catalog.names();
    }
}
