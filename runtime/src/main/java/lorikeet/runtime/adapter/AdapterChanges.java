package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import lorikeet.runtime.LoadSettings;
import org.jspecify.annotations.Nullable;

/**
 * Changes the set of names, one change after the other: each is written down in the journal before it counts, and doesn't
 * count if that fails. Safe for use by several threads.
 */
final class AdapterChanges {
    private final AdapterLimits limits;
    private final AdapterChecks checks;
    private final AdapterNames names;
    private final AdapterJournal journal;
    private final Departures departures;

    /** Held also while the journal is written; taken before {@code names}' lock. */
    private final ReentrantLock lock = new ReentrantLock();

    AdapterChanges(
            AdapterLimits limits,
            AdapterChecks checks,
            AdapterNames names,
            AdapterJournal journal,
            Departures departures) {
        this.limits = limits;
        this.checks = checks;
        this.names = names;
        this.journal = journal;
        this.departures = departures;
    }

    /**
     * Points a name to a new version, which is lent to the caller.
     *
     * @return null, and nothing is changed, if all that are loaded are pinned or in use
     */
    @Nullable
    RegistryLease publish(
            String name,
            Path folder,
            LoadedAdapter loaded,
            LoadSettings settings,
            Function<AdapterVersion, RegistryLease> lend) {
        AdapterVersion victim = null;
        AdapterVersion old;
        RegistryLease lease;
        lock.lock();
        try {
            old = names.replaceable(name, settings.replace());
            if (settings.pinned()) {
                checks.checkPin(name, loaded.bytes(), names.current());
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
            lease = names.put(version, old, lend);
        } finally {
            lock.unlock();
        }
        departures.retireIfIdle(victim);
        departures.retireIfIdle(old);
        return lease;
    }

    /** Points a name to nothing and returns what it pointed to; NOT_FOUND if that is nothing. */
    AdapterVersion remove(String name) {
        lock.lock();
        try {
            AdapterVersion version = names.find(name).orElseThrow(() -> AdapterChecks.neverLoaded(name));
            takeAway(version);
            return version;
        } finally {
            lock.unlock();
        }
    }

    /** Points the version's name to nothing, if it still points to this version. */
    void remove(AdapterVersion version) {
        lock.lock();
        try {
            if (names.find(version.name()).orElse(null) == version) {
                takeAway(version);
            }
        } finally {
            lock.unlock();
        }
    }

    private void takeAway(AdapterVersion version) {
        List<AdapterVersion> after = new ArrayList<>(names.current());
        after.remove(version);
        journal.save(after);
        names.remove(version);
    }

    /** Pins what a name points to, or lets go of it. */
    void pin(String name, boolean pinned) {
        lock.lock();
        try {
            AdapterVersion version = names.find(name).orElseThrow(() -> AdapterChecks.neverLoaded(name));
            boolean before = version.pinned();
            if (pinned && !before) {
                checks.checkPin(name, version.loaded().bytes(), names.current());
            }
            version.pinned(pinned);
            try {
                journal.save(names.current());
            } catch (RuntimeException | Error e) {
                version.pinned(before);
                throw e;
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes room for another adapter where requests hold all that are not pinned: takes away the least recently used of
     * those that can be had back, if there is one, and waits until the requests are done with it, or with another that
     * can make room sooner.
     *
     * @param recoverable whether an adapter can be had back
     * @param deadline by {@link System#nanoTime}
     * @return false if all are pinned, time is over, or the thread was interrupted
     */
    boolean makeRoom(Predicate<AdapterVersion> recoverable, long deadline) {
        AdapterVersion victim;
        lock.lock();
        try {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            List<AdapterVersion> others = names.unpinned();
            if (names.size() < limits.loaded() || others.stream().anyMatch(version -> version.activeRequests() == 0)) {
                return true;
            }
            if (others.isEmpty()) {
                return false;
            }
            victim = others.stream().filter(recoverable).findFirst().orElse(null);
            if (victim != null) {
                takeAway(victim);
            }
        } finally {
            lock.unlock();
        }
        departures.retireIfIdle(victim);
        return awaitRoom(victim, deadline);
    }

    private boolean awaitRoom(@Nullable AdapterVersion victim, long deadline) {
        try {
            while (names.awaitIdle(victim, deadline)) {
                if (victim != null && victim.activeRequests() == 0) {
                    return Departures.await(victim.closed(), deadline);
                }
                if (evictIdle()) {
                    return true;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    private boolean evictIdle() {
        AdapterVersion idle;
        lock.lock();
        try {
            idle = names.takeIdle().orElse(null);
            if (idle == null) {
                return false; // somebody was quicker
            }
            try {
                journal.save(names.current());
            } catch (RuntimeException | Error e) {
                names.putBack(idle);
                throw e;
            }
        } finally {
            lock.unlock();
        }
        departures.retireIfIdle(idle);
        return true;
    }
}
