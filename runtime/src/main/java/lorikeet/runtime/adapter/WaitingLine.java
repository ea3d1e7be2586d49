package lorikeet.runtime.adapter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import lorikeet.runtime.LorikeetException;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for adapters which aren't loaded: first come, first served, and whoever wants the same one is served
 * with the first who does. Safe for use by several threads.
 */
final class WaitingLine {
    private final ReentrantLock turn = new ReentrantLock(true);

    /** By name: those who wait for somebody in the line to get the adapter. */
    private final Map<String, List<CompletableFuture<Optional<AdapterLease>>>> followers = new HashMap<>();

    private final AtomicInteger waiting = new AtomicInteger();

    /** How many wait now, with the one whose turn it is. */
    int waiting() {
        return waiting.get();
    }

    /** True if nobody's turn has come. */
    boolean isEmpty() {
        return !turn.isLocked();
    }

    /**
     * Waits for an adapter.
     *
     * @param load loads the adapter and lends it, when this thread's turn has come
     * @param again lends it once more, to others
     * @return empty if somebody else tried to load it and failed
     * @throws LorikeetException what {@code load} does; the wait's if it is over
     */
    Optional<AdapterLease> await(
            AdapterWait wait, Supplier<AdapterLease> load, Supplier<Optional<AdapterLease>> again) {
        CompletableFuture<Optional<AdapterLease>> follower = follow(wait.name());
        waiting.incrementAndGet();
        try {
            return follower == null ? stand(wait, load, again) : await(wait, follower);
        } finally {
            waiting.decrementAndGet();
        }
    }

    private Optional<AdapterLease> stand(
            AdapterWait wait, Supplier<AdapterLease> load, Supplier<Optional<AdapterLease>> again) {
        try {
            awaitTurn(wait);
            try {
                AdapterLease lease = load.get();
                lead(wait.name()).forEach(other -> serve(other, again));
                return Optional.of(lease);
            } finally {
                turn.unlock();
            }
        } finally {
            lead(wait.name()).forEach(other -> other.complete(Optional.empty()));
        }
    }

    /** Joins those who wait for a name; null, and the caller stands in the line for it, if there are none. */
    private synchronized @Nullable CompletableFuture<Optional<AdapterLease>> follow(String name) {
        List<CompletableFuture<Optional<AdapterLease>>> others = followers.get(name);
        if (others == null) {
            followers.put(name, new ArrayList<>());
            return null;
        }
        CompletableFuture<Optional<AdapterLease>> follower = new CompletableFuture<>();
        others.add(follower);
        return follower;
    }

    /** Those who waited for this name until now; the next one stands in the line by itself. */
    private synchronized List<CompletableFuture<Optional<AdapterLease>>> lead(String name) {
        List<CompletableFuture<Optional<AdapterLease>>> others = followers.remove(name);
        return others == null ? List.of() : others;
    }

    private static void serve(
            CompletableFuture<Optional<AdapterLease>> follower, Supplier<Optional<AdapterLease>> again) {
        Optional<AdapterLease> lease = Optional.empty();
        try {
            lease = again.get();
        } catch (LorikeetException e) {
            // The follower tries by itself, and learns the same.
        }
        if (!follower.complete(lease)) {
            lease.ifPresent(AdapterLease::close); // it has given up
        }
    }

    private void awaitTurn(AdapterWait wait) {
        boolean mine = false;
        try {
            mine = turn.tryLock(wait.left(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!mine) {
            throw wait.over();
        }
    }

    private static Optional<AdapterLease> await(AdapterWait wait, CompletableFuture<Optional<AdapterLease>> follower) {
        try {
            return follower.get(wait.left(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException e) {
            // Below.
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        if (follower.complete(Optional.empty())) {
            throw wait.over();
        }
        return follower.join(); // served in the last moment
    }
}
