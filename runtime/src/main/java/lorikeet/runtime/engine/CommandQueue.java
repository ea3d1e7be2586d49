package lorikeet.runtime.engine;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** Hands commands from any thread to the engine's, without locks. Each command is taken out, or refused, but never lost. */
final class CommandQueue {
    private final Queue<Command> queue = new ConcurrentLinkedQueue<>();
    private volatile boolean closed;

    /** Adds a command; false if nobody will take it out any more. */
    boolean offer(Command command) {
        queue.add(command);
        // If the queue was closed in between, either its closer takes the command out or this does.
        return !closed || !queue.remove(command);
    }

    @Nullable
    Command poll() {
        return queue.poll();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** Accepts nothing more. What is still in the queue must be taken out afterwards. */
    void close() {
        closed = true;
    }
}
