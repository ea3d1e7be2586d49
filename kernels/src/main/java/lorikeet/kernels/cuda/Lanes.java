package lorikeet.kernels.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Work that is cut into pieces and shared by a few platform threads, of which the caller is one. Each is a lane: what
 * belongs to a lane is used by one thread at a time. Threads are started when they are first needed. One piece of work at a
 * time.
 */
final class Lanes implements AutoCloseable {
    private final int count;
    private final ExecutorService helpers;

    /** What is done with a piece, from byte {@code at} on. */
    interface Work {
        void piece(int lane, long at, long bytes);
    }

    /** So many lanes; their threads have this name. */
    Lanes(String name, int count) {
        this.count = count;
        this.helpers = Executors.newFixedThreadPool(
                Math.max(1, count - 1),
                Thread.ofPlatform().daemon().name(name + "-", 1).factory());
    }

    /** The lanes that work of so many bytes keeps busy: from the first one on. */
    int busy(long bytes, long pieceBytes) {
        return Math.clamp((bytes + pieceBytes - 1) / pieceBytes, 1, count);
    }

    /**
     * Does the work, piece by piece in any order, and waits for its end on all lanes. After a failure no further piece is
     * begun.
     *
     * @throws RuntimeException as a piece has thrown it, and so with errors; one of them if several have
     */
    void run(long bytes, long pieceBytes, Work work) {
        AtomicLong next = new AtomicLong();
        List<Future<?>> others = new ArrayList<>();
        @Nullable Throwable failure = null;
        try {
            for (int lane = 1; lane < busy(bytes, pieceBytes); lane++) {
                int own = lane;
                others.add(helpers.submit(() -> pieces(own, bytes, pieceBytes, next, work)));
            }
            pieces(0, bytes, pieceBytes, next, work);
        } catch (RuntimeException | Error e) {
            next.set(bytes);
            failure = e;
        }
        for (Future<?> other : others) {
            Throwable its = failureOf(other);
            failure = failure == null ? its : failure;
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /** Waits, even if it is interrupted: what the lanes work on must not go before they have ended. */
    private static @Nullable Throwable failureOf(Future<?> lane) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    lane.get();
                    return null;
                } catch (ExecutionException e) {
                    return e.getCause();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void pieces(int lane, long bytes, long pieceBytes, AtomicLong next, Work work) {
        try {
            for (long at = next.getAndAdd(pieceBytes); at < bytes; at = next.getAndAdd(pieceBytes)) {
                work.piece(lane, at, Math.min(pieceBytes, bytes - at));
            }
        } catch (RuntimeException | Error e) {
            next.set(bytes);
            throw e;
        }
    }

    /** Ends the threads; no work is under way. */
    @Override
    public void close() {
        helpers.shutdown();
    }
}
