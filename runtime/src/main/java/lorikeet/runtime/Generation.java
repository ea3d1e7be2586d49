package lorikeet.runtime;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A submitted request. Safe for use by several threads; the engine's thread, so any listener, must not await. */
public final class Generation {
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final Runnable cancel;

    Generation(Runnable cancel) {
        this.cancel = cancel;
    }

    void complete(Answer value) {
        answer.complete(value);
    }

    void fail(LorikeetException failure) {
        answer.completeExceptionally(failure);
    }

    /**
     * Waits for the end. An interrupted wait changes nothing about the request.
     *
     * @throws LorikeetException what the request ended with, if it got no answer
     */
    public Answer await() throws InterruptedException {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw failure(e);
        }
    }

    /** Each waiter gets an exception of its own, with its own stack trace. */
    private static LorikeetException failure(ExecutionException e) {
        if (e.getCause() instanceof LorikeetException known) {
            return new LorikeetException(known.code(), known.getMessage(), known);
        }
        throw new IllegalStateException(e);
    }

    /**
     * Waits for the end, for a limited time.
     *
     * @return whether it has ended
     */
    public boolean await(Duration limit) throws InterruptedException {
        try {
            answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            return true;
        }
    }

    /** Whether it has ended, one way or the other. */
    public boolean isDone() {
        return answer.isDone();
    }

    /**
     * Ends the request after the step that is running: what it has so far becomes its answer, and the choices that aren't
     * done are {@link FinishReason#CANCELLED}. Does nothing if it has ended. Returns at once.
     */
    public void cancel() {
        cancel.run();
    }
}
