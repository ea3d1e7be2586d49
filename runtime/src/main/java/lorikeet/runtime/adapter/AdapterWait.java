package lorikeet.runtime.adapter;

import java.time.Duration;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/**
 * How long somebody waits for an adapter.
 *
 * @param name the adapter's
 * @param patience zero for not at all
 * @param deadline when it is over, by {@link System#nanoTime}
 */
record AdapterWait(String name, Duration patience, long deadline) {
    static AdapterWait startingNow(String name, Duration patience) {
        return new AdapterWait(name, patience, System.nanoTime() + patience.toNanos());
    }

    /** The nanoseconds that are left, or less than one. */
    long left() {
        return deadline - System.nanoTime();
    }

    /** Whether to wait no longer. */
    boolean isOver() {
        return left() <= 0 || Thread.currentThread().isInterrupted();
    }

    /** What to tell who has waited long enough, or was interrupted. */
    LorikeetException over() {
        if (Thread.currentThread().isInterrupted()) {
            return new LorikeetException(
                    ErrorCode.ABORTED, "the thread that waited for the adapter " + name + " was interrupted");
        }
        return patience.isZero()
                ? new LorikeetException(ErrorCode.NO_ROOM, "the adapter " + name + " isn't loaded yet")
                : new LorikeetException(
                        ErrorCode.TIMED_OUT, "there was no room for the adapter " + name + " within the time limit");
    }
}
