package lorikeet.runtime.server.http;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Ends writes that a client doesn't take within its time. The JDK's server bounds only whole answers, and a stream may
 * last long. It writes through an interruptible channel: the interrupt closes the connection, and the write fails.
 */
final class SlowClients implements AutoCloseable {
    private final ScheduledExecutorService timer;
    private final long millis;

    SlowClients(Duration writeTime) {
        this.millis = writeTime.toMillis();
        ScheduledThreadPoolExecutor one = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("lorikeet-slow-clients").factory());
        one.setRemoveOnCancelPolicy(true);
        this.timer = one;
    }

    /** A write to a client. */
    @FunctionalInterface
    interface Write {
        void run() throws IOException;
    }

    /** Runs a write on this thread and interrupts it once its time is over. */
    void bound(Write write) throws IOException {
        Deadline deadline = new Deadline(Thread.currentThread());
        ScheduledFuture<?> alarm = timer.schedule(deadline, millis, TimeUnit.MILLISECONDS);
        try {
            write.run();
        } finally {
            alarm.cancel(false);
            deadline.over();
        }
    }

    /** Interrupts its thread, but never after the write is over. */
    private static final class Deadline implements Runnable {
        private final Thread writer;
        private boolean over;
        private boolean fired;

        Deadline(Thread writer) {
            this.writer = writer;
        }

        @Override
        public synchronized void run() {
            if (!over) {
                fired = true;
                writer.interrupt();
            }
        }

        synchronized void over() {
            over = true;
            if (fired) {
                boolean _ = Thread.interrupted(); // it was meant for the write alone
            }
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
