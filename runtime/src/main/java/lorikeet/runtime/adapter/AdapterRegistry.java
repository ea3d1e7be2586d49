package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import lorikeet.runtime.AdapterStatistics;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;

/**
 * The adapters of a runtime by name: loads, replaces and unloads them, and lends them to requests.
 *
 * <p>Safe for use by several threads. Files are read on the thread that asks for a load, side by side with other loads.
 * What changes the set of names happens one after the other; of that, only the state file takes any time. Lending and
 * giving back never wait for either.
 *
 * <p>Ownership: owns the versions that it has loaded. One that was unloaded or replaced and that no request holds any
 * more goes to {@code retirement}, which closes it after giving back what the device holds of it.
 */
public final class AdapterRegistry implements AutoCloseable {
    private final AdapterChecks checks;
    private final AdapterSource source;
    private final AdapterNames names = new AdapterNames();
    private final AdapterChanges changes;
    private final Departures departures;

    /**
     * A registry without adapters.
     *
     * @param limits how many may be loaded, and of what kind
     * @param source reads an adapter's files
     * @param retirement is given each version that is gone and held by nobody, once, on any thread; it must not wait
     * @param journal remembers what is loaded
     */
    public AdapterRegistry(
            AdapterLimits limits, AdapterSource source, Consumer<AdapterVersion> retirement, AdapterJournal journal) {
        this.checks = new AdapterChecks(limits);
        this.source = source;
        this.departures = new Departures(names, retirement);
        this.changes = new AdapterChanges(limits, checks, names, journal, departures);
    }

    /**
     * Loads an adapter; it may be used when this returns.
     *
     * @throws LorikeetException ALREADY_LOADED if the name is taken or just being loaded; NOT_FOUND, INVALID_FILE or
     *     INCOMPATIBLE for the files; NO_ROOM past a limit. Nothing is changed then
     */
    public AdapterVersion load(String name, Path folder, LoadSettings settings) {
        try (AdapterLease lease = loadAndHold(name, folder, settings, () -> false)) {
            return lease.version();
        }
    }

    /** Loads an adapter and lends it at once, before anything can take it away again, to a request. */
    AdapterLease loadAndLend(String name, Path folder, LoadSettings settings, BooleanSupplier room) {
        RegistryLease lease = loadAndHold(name, folder, settings, room);
        lease.version().counters().requests.increment();
        return lease;
    }

    /**
     * Loads an adapter and holds it.
     *
     * @param room is asked to make some, once and again, where as many are loaded as may be and all are in use; false if
     *     it can't
     */
    private RegistryLease loadAndHold(String name, Path folder, LoadSettings settings, BooleanSupplier room) {
        AdapterChecks.checkName(name);
        CompletableFuture<Void> done = names.reserve(name, settings.replace());
        try {
            long start = System.nanoTime();
            LoadedAdapter loaded = source.load(folder);
            long nanos = System.nanoTime() - start;
            try {
                checks.checkRank(loaded, folder);
                RegistryLease lease = changes.publish(name, folder, loaded, settings, this::lease);
                while (lease == null) {
                    if (!room.getAsBoolean()) {
                        throw checks.full(name);
                    }
                    lease = changes.publish(name, folder, loaded, settings, this::lease);
                }
                lease.version().counters().loads.increment();
                lease.version().counters().loadNanos.add(nanos);
                return lease;
            } catch (RuntimeException | Error e) {
                loaded.close();
                throw e;
            }
        } finally {
            names.unreserve(name);
            done.complete(null);
        }
    }

    /**
     * Takes an adapter away from new requests, and from those that hold it as {@code how} says.
     *
     * <p>A call that waits returns early, with its thread interrupted, if the thread is interrupted; the adapter goes all
     * the same.
     *
     * @throws LorikeetException NOT_FOUND if no adapter has the name; NO_ROOM or INVALID_FILE if the state file could not
     *     be written. Nothing is changed then
     */
    public void unload(String name, Unload how) {
        departures.leave(changes.remove(name), how);
    }

    /** Unloads this version, unless that has happened already; then it only waits, if {@code how} says so. */
    public void unload(AdapterVersion version, Unload how) {
        changes.remove(version);
        departures.leave(version, how);
    }

    /**
     * Pins an adapter, or lets go of it.
     *
     * @throws LorikeetException NOT_FOUND; NO_ROOM, with "starvation" in the message, if too little that can make room
     *     would be left
     */
    public void pin(String name, boolean pinned) {
        changes.pin(name, pinned);
    }

    /** Lends the adapter that the name points to now, if there is one. */
    public Optional<AdapterLease> lend(String name) {
        return counted(names.lend(name, this::lease));
    }

    /** Lends this very version, if its name still points to it. */
    public Optional<AdapterLease> lend(AdapterVersion version) {
        return counted(names.lend(version, this::lease));
    }

    private static Optional<AdapterLease> counted(Optional<RegistryLease> lease) {
        lease.ifPresent(lent -> lent.version().counters().requests.increment());
        return lease.map(lent -> lent);
    }

    /**
     * Waits until the name isn't being loaded.
     *
     * @param deadline by {@link System#nanoTime}
     * @return false if time is over, or the thread was interrupted
     */
    boolean awaitLoad(String name, long deadline) {
        return Departures.await(names.pendingLoad(name), deadline);
    }

    /** Makes room for another adapter, as {@link AdapterChanges#makeRoom} does. */
    boolean makeRoom(Predicate<AdapterVersion> recoverable, long deadline) {
        return changes.makeRoom(recoverable, deadline);
    }

    private RegistryLease lease(AdapterVersion version) {
        return new RegistryLease(this, version);
    }

    void giveBack(RegistryLease lease) {
        departures.giveBack(lease);
    }

    /** The adapter that the name points to, if there is one. */
    public Optional<AdapterVersion> find(String name) {
        return names.find(name);
    }

    /** The adapters that names point to, in the order in which they were loaded. */
    public List<AdapterVersion> current() {
        return names.current();
    }

    /** Those that no new request gets and that are not yet gone. */
    public List<AdapterVersion> draining() {
        return names.draining();
    }

    /** The names that are being loaded. */
    public List<String> loading() {
        return names.loading();
    }

    /** What has become of each adapter, by name. */
    public List<AdapterStatistics> statistics() {
        return names.statistics().stream()
                .sorted(Comparator.comparing(AdapterStatistics::name))
                .toList();
    }

    /**
     * Waits for the loads that are under way, which fail, and closes all adapters, whoever holds them. The device must not
     * use them any more. Closing again does nothing.
     */
    @Override
    public void close() {
        names.close().forEach(CompletableFuture::join);
        for (AdapterVersion version : names.draining()) {
            departures.end(version);
        }
    }
}
