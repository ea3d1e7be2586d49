package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import lorikeet.runtime.AdapterStatistics;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import org.jspecify.annotations.Nullable;

/**
 * Which version each name points to, which names are being loaded, and who holds what. Safe for use by several threads:
 * one lock, held for a moment at a time and never while anything else is called that could wait.
 */
final class AdapterNames {
    /** Names whose counts are kept though nothing is loaded under them: so many that metrics stay whole, but bounded. */
    private static final int MOST_COUNTERS = 4096;

    private final Map<String, AdapterVersion> current = new LinkedHashMap<>();
    private final Map<String, CompletableFuture<Void>> loading = new HashMap<>();
    private final Set<AdapterVersion> draining = new LinkedHashSet<>();
    private final Map<String, AdapterCounters> counters = new LinkedHashMap<>();
    private long nextId = 1;
    private long uses;
    private boolean closed;

    /**
     * Takes a name for a load.
     *
     * @return to be completed when the load has ended, whichever way, after {@link #unreserve}
     */
    synchronized CompletableFuture<Void> reserve(String name, boolean replace) {
        replaceable(name, replace);
        if (loading.containsKey(name)) {
            throw new LorikeetException(
                    ErrorCode.ALREADY_LOADED,
                    "the adapter " + name + " is already loaded, or rather just being loaded");
        }
        CompletableFuture<Void> done = new CompletableFuture<>();
        loading.put(name, done);
        return done;
    }

    synchronized void unreserve(String name) {
        loading.remove(name);
    }

    /** Done once the name isn't being loaded. */
    synchronized CompletableFuture<Void> pendingLoad(String name) {
        CompletableFuture<Void> pending = loading.get(name);
        return pending == null ? CompletableFuture.completedFuture(null) : pending;
    }

    /** The version that a load under this name would replace, or null; refuses if it may not replace one. */
    synchronized @Nullable AdapterVersion replaceable(String name, boolean replace) {
        checkOpen();
        AdapterVersion old = current.get(name);
        if (old != null && !replace) {
            throw new LorikeetException(ErrorCode.ALREADY_LOADED, "the adapter " + name + " is already loaded");
        }
        return old;
    }

    private void checkOpen() {
        if (closed) {
            throw new LorikeetException(ErrorCode.ABORTED, "the model is closed");
        }
    }

    synchronized AdapterVersion newVersion(String name, Path folder, LoadedAdapter loaded, LoadSettings settings) {
        return new AdapterVersion(nextId++, name, folder, loaded, settings, countersOf(name), this::forget);
    }

    private AdapterCounters countersOf(String name) {
        AdapterCounters known = counters.get(name);
        if (known != null) {
            return known;
        }
        if (counters.size() >= MOST_COUNTERS) {
            counters.keySet().stream()
                    .filter(other -> !current.containsKey(other) && !loading.containsKey(other))
                    .findFirst()
                    .ifPresent(counters::remove);
        }
        AdapterCounters made = new AdapterCounters();
        counters.put(name, made);
        return made;
    }

    /** Takes away the least recently used adapter that is neither pinned nor held. */
    synchronized Optional<AdapterVersion> takeIdle() {
        Optional<AdapterVersion> victim = idle();
        victim.ifPresent(this::remove);
        return victim;
    }

    private Optional<AdapterVersion> idle() {
        return current.values().stream()
                .filter(version -> version.idle() && !version.pinned())
                .min(Comparator.comparingLong(AdapterVersion::lastUse));
    }

    /**
     * Waits until this version, or one that could be taken in its place, is held by nobody.
     *
     * @param version one that was taken away, or null
     * @param deadline by {@link System#nanoTime}
     * @return false if time is over
     */
    synchronized boolean awaitIdle(@Nullable AdapterVersion version, long deadline) throws InterruptedException {
        while ((version == null || !version.idle()) && idle().isEmpty()) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return true;
    }

    /** Those that aren't pinned, the least recently used first. */
    synchronized List<AdapterVersion> unpinned() {
        return current.values().stream()
                .filter(version -> !version.pinned())
                .sorted(Comparator.comparingLong(AdapterVersion::lastUse))
                .toList();
    }

    /** Undoes {@link #takeIdle}. */
    synchronized void putBack(AdapterVersion version) {
        draining.remove(version);
        version.draining(false);
        current.put(version.name(), version);
    }

    /** Points a version's name to it and, in the same moment, away from {@code old}. The version is lent to the caller. */
    synchronized RegistryLease put(
            AdapterVersion version, @Nullable AdapterVersion old, Function<AdapterVersion, RegistryLease> lease) {
        checkOpen();
        if (old != null) {
            remove(old);
        }
        current.put(version.name(), version);
        return lendTo(version, lease);
    }

    /** Points a name to nothing. */
    synchronized void remove(AdapterVersion version) {
        current.remove(version.name(), version);
        version.draining(true);
        draining.add(version);
    }

    private synchronized void forget(AdapterVersion version) {
        draining.remove(version);
    }

    synchronized Optional<RegistryLease> lend(String name, Function<AdapterVersion, RegistryLease> lease) {
        checkOpen();
        return Optional.ofNullable(current.get(name)).map(version -> lendTo(version, lease));
    }

    synchronized Optional<RegistryLease> lend(AdapterVersion version, Function<AdapterVersion, RegistryLease> lease) {
        checkOpen();
        return current.get(version.name()) == version ? Optional.of(lendTo(version, lease)) : Optional.empty();
    }

    private RegistryLease lendTo(AdapterVersion version, Function<AdapterVersion, RegistryLease> lease) {
        RegistryLease lent = lease.apply(version);
        version.add(lent, ++uses);
        return lent;
    }

    /** Takes a lease back; true if the version is to be retired now. */
    synchronized boolean giveBack(RegistryLease lease) {
        AdapterVersion version = lease.version();
        version.remove(lease);
        if (version.idle()) {
            notifyAll();
        }
        return version.retire();
    }

    /** True, once, if the version is gone and held by nobody. */
    synchronized boolean retire(AdapterVersion version) {
        return version.retire();
    }

    /** True, once, for a version that is to be retired whoever holds it. */
    synchronized boolean retireHeld(AdapterVersion version) {
        version.leases().forEach(version::remove);
        return version.retire();
    }

    synchronized List<RegistryLease> leases(AdapterVersion version) {
        return version.leases();
    }

    synchronized Optional<AdapterVersion> find(String name) {
        return Optional.ofNullable(current.get(name));
    }

    synchronized int size() {
        return current.size();
    }

    synchronized List<AdapterVersion> current() {
        return List.copyOf(current.values());
    }

    synchronized List<AdapterVersion> draining() {
        return List.copyOf(draining);
    }

    synchronized List<String> loading() {
        return List.copyOf(loading.keySet());
    }

    synchronized List<AdapterStatistics> statistics() {
        List<AdapterStatistics> list = new ArrayList<>();
        counters.forEach((name, counts) -> list.add(counts.snapshot(name, current.get(name))));
        return list;
    }

    /** Takes all names away for good, and returns what the loads under way will complete. */
    synchronized List<CompletableFuture<Void>> close() {
        closed = true;
        List.copyOf(current.values()).forEach(this::remove);
        return List.copyOf(loading.values());
    }
}
