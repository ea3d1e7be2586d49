package lorikeet.runtime.adapter;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Closes adapters that are gone, one after the other, on a thread of its own. Closing unmaps their files, for which the
 * JVM makes sure that no thread reads them; that takes tens of microseconds, which neither the engine nor a client should
 * spend.
 */
final class AdapterCloser implements AutoCloseable {
    private final BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
    private final Thread thread;
    private boolean closed;

    AdapterCloser() {
        this.thread = Thread.ofPlatform().name("lorikeet-closer").daemon().start(this::run);
    }

    /** Queues an adapter that nothing uses any more. */
    void close(AdapterVersion version) {
        queue.add(version::close);
    }

    private void run() {
        while (!closed) {
            try {
                queue.take().run();
            } catch (InterruptedException e) {
                // Nobody interrupts this thread; closing queues a task.
                throw new IllegalStateException(e);
            }
        }
    }

    /** Waits until those that are queued are closed. */
    @Override
    public void close() {
        queue.add(() -> closed = true);
        AdapterCopies.join(thread);
    }
}
