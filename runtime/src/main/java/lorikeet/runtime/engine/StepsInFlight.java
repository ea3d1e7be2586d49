package lorikeet.runtime.engine;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The steps that were launched and have not landed, and what waits for them. A step reads and writes KV blocks and
 * adapters' weights until it has landed, whatever has become of its requests meanwhile: what is given back by then goes
 * through {@link #whenLanded}, so that nobody else gets it too early. Engine thread only.
 */
final class StepsInFlight {
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private long launched;
    private long landed;

    /** What is to be done once so many steps have landed. */
    private record Waiting(long steps, Runnable action) {}

    /** Whether there are any. */
    boolean any() {
        return landed < launched;
    }

    /** One more was launched. */
    void launch() {
        launched++;
    }

    /** The oldest has landed. */
    void land() {
        landed++;
        runWaiting();
    }

    /** All have landed, even if it isn't known how. */
    void landAll() {
        landed = launched;
        runWaiting();
    }

    private void runWaiting() {
        while (!waiting.isEmpty() && waiting.peek().steps <= landed) {
            waiting.remove().action.run();
        }
    }

    /** Does something when the steps that are in flight now have landed: at once if there are none. */
    void whenLanded(Runnable action) {
        if (any()) {
            waiting.add(new Waiting(launched, action));
        } else {
            action.run();
        }
    }
}
