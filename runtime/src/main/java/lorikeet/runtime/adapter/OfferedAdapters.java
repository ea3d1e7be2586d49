package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;

/**
 * The adapters that a catalog offers, loaded when they are first asked for. Safe for use by several threads.
 *
 * <p>Where as many are loaded as may be, and requests hold all of them, a request for another waits: first come, first
 * served, together with those that wait for the same one. The one whose turn it is takes the least recently used adapter
 * away from requests to come. Those get it again, but they stand behind, so nobody waits longer than the running requests
 * take, however often the others are asked for.
 */
public final class OfferedAdapters {
    private static final LoadSettings SETTINGS = new LoadSettings(false, false, false);

    private final AdapterRegistry registry;
    private final AdapterCatalog catalog;
    private final WaitingLine line = new WaitingLine();

    /** Those of a catalog, loaded into a registry. */
    public OfferedAdapters(AdapterRegistry registry, AdapterCatalog catalog) {
        this.registry = registry;
        this.catalog = catalog;
    }

    /**
     * Lends an adapter; if none has the name but the catalog offers one, that is loaded first, on this thread. Where
     * several ask for the same one at once, one loads it and the others wait for that.
     *
     * @param patience how long to wait for room, or for another's load of the same adapter; zero for not at all
     * @throws LorikeetException NOT_FOUND; NO_ROOM; TIMED_OUT once patience is over; ABORTED if the thread was interrupted
     *     while it waited; or why the adapter couldn't be loaded
     */
    public AdapterLease lend(String name, Duration patience) {
        AdapterWait wait = AdapterWait.startingNow(name, patience);
        while (true) {
            Optional<AdapterLease> loaded = registry.lend(name);
            if (loaded.isPresent()) {
                return loaded.get();
            }
            folder(name); // nobody waits for what isn't there
            if (line.isEmpty() || patience.isZero()) {
                try {
                    return load(wait, () -> false);
                } catch (LorikeetException e) {
                    if (e.code() != ErrorCode.NO_ROOM || patience.isZero()) {
                        throw e;
                    }
                }
            }
            Optional<AdapterLease> lease =
                    line.await(wait, () -> load(wait, () -> makeRoom(wait)), () -> registry.lend(name));
            if (lease.isPresent()) {
                return lease.get();
            }
        }
    }

    private AdapterLease load(AdapterWait wait, BooleanSupplier room) {
        String name = wait.name();
        while (true) {
            Optional<AdapterLease> loaded = registry.lend(name);
            if (loaded.isPresent()) {
                return loaded.get();
            }
            try {
                return registry.loadAndLend(name, folder(name), SETTINGS, room);
            } catch (LorikeetException e) {
                if (e.code() != ErrorCode.ALREADY_LOADED) {
                    throw e;
                }
                if (!registry.awaitLoad(name, wait.deadline())) {
                    throw wait.over();
                }
            }
        }
    }

    private Path folder(String name) {
        return catalog.find(name).orElseThrow(() -> AdapterChecks.neverLoaded(name));
    }

    private boolean makeRoom(AdapterWait wait) {
        boolean made = registry.makeRoom(version -> catalog.find(version.name()).isPresent(), wait.deadline());
        if (!made && wait.isOver()) {
            throw wait.over();
        }
        return made;
    }

    /** How many requests wait for room now. */
    public int waiting() {
        return line.waiting();
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
