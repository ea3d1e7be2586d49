package lorikeet.runtime.server.generation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import lorikeet.runtime.Answer;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Generation;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.TokenListener;
import org.jspecify.annotations.Nullable;

/**
 * The generations of one call, one for each prompt. Closing it cancels those that still run; whoever makes it closes it.
 * Used by one thread, except for {@link #cancel}.
 *
 * <p>The engine's thread only puts events into a queue, so a client that reads slowly holds up nobody. The queue can't
 * grow beyond the tokens that the call asked for.
 */
public final class Batch implements AutoCloseable {
    private final Lorikeet model;
    private final boolean streaming;
    private final Watcher watcher;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private int unfinished;

    /** These belong to the lock of this object. */
    private final List<Generation> generations = new ArrayList<>();

    private @Nullable Thread submitter;
    private boolean cancelled;

    /**
     * Nothing yet.
     *
     * @param streaming whether events are to be had; else only the answers are
     */
    Batch(Lorikeet model, boolean streaming, Watcher watcher) {
        this.model = model;
        this.streaming = streaming;
        this.watcher = watcher;
    }

    /** Told of the engine's work as it happens, on its thread. */
    public interface Watcher {
        /** A listener of one generation's own. */
        TokenListener watch(Request request);
    }

    /**
     * Submits requests, once. May wait for room for their adapters; being cancelled ends that.
     *
     * @throws LorikeetException as {@link Lorikeet#submit} does; ABORTED if it was cancelled
     */
    public void submit(List<Request> requests) {
        submitting(Thread.currentThread());
        try {
            for (int i = 0; i < requests.size(); i++) {
                TokenListener watching = watcher.watch(requests.get(i));
                TokenListener listener = streaming ? new Queueing(i, watching) : watching;
                add(model.submit(requests.get(i), listener));
                unfinished++;
            }
        } finally {
            submitting(null);
        }
    }

    private synchronized void submitting(@Nullable Thread thread) {
        submitter = thread;
        if (cancelled && thread == null) {
            boolean _ = Thread.interrupted(); // it was meant for the submitting alone
        }
    }

    private synchronized void add(Generation generation) {
        generations.add(generation);
        if (cancelled) {
            generation.cancel();
            throw new LorikeetException(ErrorCode.ABORTED, "the call was cancelled");
        }
    }

    private synchronized List<Generation> generations() {
        return List.copyOf(generations);
    }

    /** Puts what happens into the queue. */
    private final class Queueing implements TokenListener {
        private final int prompt;
        private final TokenListener watching;

        private Queueing(int prompt, TokenListener watching) {
            this.prompt = prompt;
            this.watching = watching;
        }

        @Override
        public boolean onToken(TokenEvent event) {
            events.add(new Event.Token(prompt, event));
            return watching.onToken(event);
        }

        @Override
        public void onEnd(Answer answer) {
            watching.onEnd(answer);
            events.add(new Event.Done(prompt, answer));
        }

        @Override
        public void onFailure(LorikeetException failure) {
            watching.onFailure(failure);
            events.add(new Event.Failed(prompt, failure));
        }
    }

    /** True once every prompt's last event was taken. */
    public boolean isFinished() {
        return unfinished == 0;
    }

    /** Waits for the next event; there must be one to come. */
    public Event next() throws InterruptedException {
        return count(events.take());
    }

    /** The next event, if it has happened already. */
    public Optional<Event> poll() {
        return Optional.ofNullable(events.poll()).map(this::count);
    }

    private Event count(Event event) {
        if (!(event instanceof Event.Token)) {
            unfinished--;
        }
        return event;
    }

    /**
     * Waits for all answers.
     *
     * @throws LorikeetException what the first one that failed ended with
     */
    public List<Answer> await() throws InterruptedException {
        List<Answer> answers = new ArrayList<>();
        for (Generation generation : generations()) {
            answers.add(generation.await());
        }
        return answers;
    }

    /** Cancels what still runs, and the submitting of what doesn't yet. Any thread may. */
    public void cancel() {
        synchronized (this) {
            cancelled = true;
            if (submitter != null) {
                submitter.interrupt();
            }
        }
        generations().forEach(Generation::cancel);
    }

    @Override
    public void close() {
        cancel();
    }
}
