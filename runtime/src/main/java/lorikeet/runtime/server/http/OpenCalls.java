package lorikeet.runtime.server.http;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts the calls that are being answered. */
final class OpenCalls {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition none = lock.newCondition();
    private int open;

    void add() {
        lock.lock();
        try {
            open++;
        } finally {
            lock.unlock();
        }
    }

    void remove() {
        lock.lock();
        try {
            open--;
            if (open == 0) {
                none.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there is none; false if the time was too short. */
    boolean awaitNone(Duration most) throws InterruptedException {
        long nanos = most.toNanos();
        lock.lock();
        try {
            while (open > 0 && nanos > 0) {
                nanos = none.awaitNanos(nanos);
            }
            return open == 0;
        } finally {
            lock.unlock();
        }
    }
}
