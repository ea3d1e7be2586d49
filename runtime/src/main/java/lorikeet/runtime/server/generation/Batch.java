package lorikeet.runtime.server.generation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Generation;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.TokenListener;

/**
 * The generations of one call, one for each prompt. Closing it cancels those that still run; whoever submits it closes
 * it. Used by one thread.
 *
 * <p>The engine's thread only puts events into a queue, so a client that reads slowly holds up nobody. The queue can't
 * grow beyond the tokens that the call asked for.
 */
public final class Batch implements AutoCloseable {
    private final List<Generation> generations = new ArrayList<>();
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private int unfinished;

    private Batch() {}

    /** Told of the engine's work as it happens, on its thread. */
    public interface Watcher {
        /** A listener of one generation's own. */
        TokenListener watch(Request request);
    }

    /**
     * Submits requests. If one is refused the others are cancelled.
     *
     * @param streaming whether events are to be had; else only the answers are
     * @throws LorikeetException as {@link Lorikeet#submit} does
     */
    public static Batch submit(Lorikeet model, List<Request> requests, boolean streaming, Watcher watcher) {
        Batch batch = new Batch();
        try {
            for (int i = 0; i < requests.size(); i++) {
                TokenListener watching = watcher.watch(requests.get(i));
                TokenListener listener = streaming ? batch.new Queueing(i, watching) : watching;
                batch.generations.add(model.submit(requests.get(i), listener));
                batch.unfinished++;
            }
            return batch;
        } catch (RuntimeException e) {
            batch.close();
            throw e;
        }
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
        for (Generation generation : generations) {
            answers.add(generation.await());
        }
        return answers;
    }

    /** Cancels what still runs. Any thread may. */
    public void cancel() {
        generations.forEach(Generation::cancel);
    }

    @Override
    public void close() {
        cancel();
    }
}
