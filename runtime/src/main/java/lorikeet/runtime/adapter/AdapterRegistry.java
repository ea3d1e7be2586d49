package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import lorikeet.runtime.AdapterStatistics;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import org.jspecify.annotations.Nullable;

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
    private static final int LONGEST_NAME = 256;

    private final AdapterLimits limits;
    private final AdapterSource source;
    private final Consumer<AdapterVersion> retirement;
    private final AdapterJournal journal;

    /** Held by who changes the set of names, also while the journal is written; taken before {@code names}' lock. */
    private final ReentrantLock changes = new ReentrantLock();

    private final AdapterNames names = new AdapterNames();

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
        this.limits = limits;
        this.source = source;
        this.retirement = retirement;
        this.journal = journal;
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
        checkName(name);
        CompletableFuture<Void> done = names.reserve(name, settings.replace());
        try {
            long start = System.nanoTime();
            LoadedAdapter loaded = source.load(folder);
            long nanos = System.nanoTime() - start;
            try {
                checkRank(loaded, folder);
                RegistryLease lease = publish(name, folder, loaded, settings);
                while (lease == null) {
                    if (!room.getAsBoolean()) {
                        throw full(name);
                    }
                    lease = publish(name, folder, loaded, settings);
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

    private static void checkName(String name) {
        if (name.isBlank()
                || name.length() > LONGEST_NAME
                || name.codePoints().anyMatch(AdapterRegistry::isUnprintable)) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST,
                    "an adapter's name must be printable, of 1 to " + LONGEST_NAME + " characters");
        }
    }

    /** Half a pair of UTF-16 can't be sent back, nor can controls be shown. */
    private static boolean isUnprintable(int character) {
        return Character.isISOControl(character) || Character.getType(character) == Character.SURROGATE;
    }

    private void checkRank(LoadedAdapter loaded, Path folder) {
        if (loaded.maxRank() > limits.rank()) {
            throw new LorikeetException(
                    ErrorCode.INCOMPATIBLE,
                    folder + ": the adapter is incompatible with the highest rank that is allowed: it has rank "
                            + loaded.maxRank() + ", the limit is " + limits.rank());
        }
    }

    /** Points the name to a new version, which is lent to the caller; null if all that are loaded are pinned or in use. */
    private @Nullable RegistryLease publish(String name, Path folder, LoadedAdapter loaded, LoadSettings settings) {
        AdapterVersion victim = null;
        RegistryLease lease;
        AdapterVersion old;
        changes.lock();
        try {
            old = names.replaceable(name, settings.replace());
            if (settings.pinned()) {
                checkPin(name, loaded.bytes());
            }
            if (old == null && names.size() >= limits.loaded()) {
                victim = names.takeIdle().orElse(null);
                if (victim == null) {
                    return null;
                }
            }
            AdapterVersion version = names.newVersion(name, folder, loaded, settings);
            try {
                List<AdapterVersion> after = new ArrayList<>(names.current());
                after.remove(old);
                after.add(version);
                journal.save(after);
            } catch (RuntimeException | Error e) {
                if (victim != null) {
                    names.putBack(victim);
                }
                throw e;
            }
            lease = names.put(version, old, this::lease);
        } finally {
            changes.unlock();
        }
        retireIfIdle(victim);
        retireIfIdle(old);
        return lease;
    }

    private LorikeetException full(String name) {
        return new LorikeetException(
                ErrorCode.NO_ROOM,
                "no room for the adapter " + name + ": " + limits.loaded()
                        + " are loaded, which is the limit, and all of them are pinned or in use");
    }

    private void checkPin(String name, long bytes) {
        List<AdapterVersion> others = names.current().stream()
                .filter(other -> other.pinned() && !other.name().equals(name))
                .toList();
        long total = bytes
                + others.stream().mapToLong(other -> other.loaded().bytes()).sum();
        if (others.size() >= limits.pinned() || total > limits.pinnedBytes()) {
            throw new LorikeetException(
                    ErrorCode.NO_ROOM,
                    "pinning the adapter " + name + " would lead to starvation of all that are not pinned: "
                            + others.size() + " are pinned already, of at most " + limits.pinned()
                            + ", and together they would hold " + total + " bytes, of at most " + limits.pinnedBytes());
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
        AdapterVersion version;
        changes.lock();
        try {
            version = names.find(name).orElseThrow(() -> neverLoaded(name));
            remove(version);
        } finally {
            changes.unlock();
        }
        leave(version, how);
    }

    /** Unloads this version, unless that has happened already; then it only waits, if {@code how} says so. */
    public void unload(AdapterVersion version, Unload how) {
        changes.lock();
        try {
            if (names.find(version.name()).orElse(null) == version) {
                remove(version);
            }
        } finally {
            changes.unlock();
        }
        leave(version, how);
    }

    private void remove(AdapterVersion version) {
        List<AdapterVersion> after = new ArrayList<>(names.current());
        after.remove(version);
        journal.save(after);
        names.remove(version);
    }

    private void leave(AdapterVersion version, Unload how) {
        retireIfIdle(version);
        switch (how) {
            case Unload.Now now -> abort(version);
            case Unload.Drain drain -> {
                drain.deadline().ifPresent(limit -> abortAfter(version, limit));
                if (drain.await()) {
                    await(version);
                }
            }
        }
    }

    private void abort(AdapterVersion version) {
        // Outside the lock: what an abort sets off may well give a lease back.
        names.leases(version).forEach(RegistryLease::abort);
    }

    private void abortAfter(AdapterVersion version, Duration limit) {
        Thread.ofVirtual().name("deadline of " + version).start(() -> {
            try {
                version.closed().get(limit.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                abort(version);
            } catch (InterruptedException | ExecutionException e) {
                // Nobody interrupts this thread, and the future never fails.
                throw new IllegalStateException(e);
            }
        });
    }

    private static void await(AdapterVersion version) {
        try {
            version.closed().get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Pins an adapter, or lets go of it.
     *
     * @throws LorikeetException NOT_FOUND; NO_ROOM, with "starvation" in the message, if too little that can make room
     *     would be left
     */
    public void pin(String name, boolean pinned) {
        changes.lock();
        try {
            AdapterVersion version = names.find(name).orElseThrow(() -> neverLoaded(name));
            boolean before = version.pinned();
            if (pinned && !before) {
                checkPin(name, version.loaded().bytes());
            }
            version.pinned(pinned);
            try {
                journal.save(names.current());
            } catch (RuntimeException | Error e) {
                version.pinned(before);
                throw e;
            }
        } finally {
            changes.unlock();
        }
    }

    static LorikeetException neverLoaded(String name) {
        return new LorikeetException(
                ErrorCode.NOT_FOUND,
                "the adapter " + name + " is not loaded; it was unloaded or has never been loaded");
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
        return await(names.pendingLoad(name), deadline);
    }

    /**
     * Makes room for another adapter where requests hold all that are not pinned: takes away the least recently used of
     * those that can be had back, and waits until the requests are done with it.
     *
     * @param recoverable whether an adapter can be had back
     * @param deadline by {@link System#nanoTime}
     * @return false if there is no such adapter, time is over, or the thread was interrupted
     */
    boolean makeRoom(Predicate<AdapterVersion> recoverable, long deadline) {
        AdapterVersion victim;
        changes.lock();
        try {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            List<AdapterVersion> others = names.unpinned();
            if (names.size() < limits.loaded() || others.stream().anyMatch(version -> version.activeRequests() == 0)) {
                return true;
            }
            victim = others.stream().filter(recoverable).findFirst().orElse(null);
            if (victim == null) {
                return false;
            }
            remove(victim);
        } finally {
            changes.unlock();
        }
        retireIfIdle(victim);
        return await(victim.closed(), deadline);
    }

    private static boolean await(Future<Void> end, long deadline) {
        try {
            end.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private RegistryLease lease(AdapterVersion version) {
        return new RegistryLease(this, version);
    }

    void giveBack(RegistryLease lease) {
        if (names.giveBack(lease)) {
            retirement.accept(lease.version());
        }
    }

    private void retireIfIdle(@Nullable AdapterVersion version) {
        if (version != null && names.retire(version)) {
            retirement.accept(version);
        }
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
            abort(version);
            if (names.retireHeld(version)) {
                retirement.accept(version);
            }
        }
    }
}
