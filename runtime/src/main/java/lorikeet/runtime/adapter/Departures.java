package lorikeet.runtime.adapter;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import lorikeet.runtime.Unload;
import org.jspecify.annotations.Nullable;

/**
 * How versions go that no name points to any more: when nobody holds them, or when those who do have been told to stop.
 * Safe for use by several threads.
 */
final class Departures {
    private final AdapterNames names;
    private final Consumer<AdapterVersion> retirement;

    /**
     * The departures of what {@code names} has let go.
     *
     * @param retirement is given each version that is gone and held by nobody, once; it must not wait
     */
    Departures(AdapterNames names, Consumer<AdapterVersion> retirement) {
        this.names = names;
        this.retirement = retirement;
    }

    /** Lets a version go, and those that hold it as {@code how} says. */
    void leave(AdapterVersion version, Unload how) {
        retireIfIdle(version);
        switch (how) {
            case Unload.Now now -> abort(version);
            case Unload.Drain drain -> {
                drain.deadline().ifPresent(limit -> abortAfter(version, limit));
                if (drain.await()) {
                    await(version.closed());
                }
            }
        }
    }

    /** Retires a version that nobody holds; null does nothing. */
    void retireIfIdle(@Nullable AdapterVersion version) {
        if (version != null && names.retire(version)) {
            retirement.accept(version);
        }
    }

    /** Takes a lease back. */
    void giveBack(RegistryLease lease) {
        if (names.giveBack(lease)) {
            retirement.accept(lease.version());
        }
    }

    /** Retires a version, whoever holds it. */
    void end(AdapterVersion version) {
        abort(version);
        if (names.retireHeld(version)) {
            retirement.accept(version);
        }
    }

    private void abort(AdapterVersion version) {
        // Outside the lock: what an abort sets off may well give a lease back.
        names.leases(version).forEach(RegistryLease::abort);
    }

    private void abortAfter(AdapterVersion version, Duration limit) {
        Thread.ofVirtual().name("deadline of " + version).start(() -> {
            if (!await(version.closed(), System.nanoTime() + limit.toNanos())) {
                abort(version);
            }
        });
    }

    /** Waits without a limit; returns early, with the thread interrupted, if it is interrupted. */
    private static void await(Future<Void> end) {
        try {
            end.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Waits for an end.
     *
     * @param deadline by {@link System#nanoTime}
     * @return false if time is over, or the thread was interrupted
     */
    static boolean await(Future<Void> end, long deadline) {
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
}
