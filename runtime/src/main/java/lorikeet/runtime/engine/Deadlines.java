package lorikeet.runtime.engine;

import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/** The time limits of requests, the next one first. Engine thread only. */
final class Deadlines {
    private final PriorityQueue<Deadline> queue = new PriorityQueue<>(Comparator.comparingLong(Deadline::nanos));

    /**
     * A time limit.
     *
     * @param nanos when it passes
     * @param untilStart whether it is met once the request has started
     */
    record Deadline(long nanos, SequenceGroup group, boolean untilStart) {
        boolean isMet() {
            return group.hasEnded() || (untilStart && group.isStarted());
        }
    }

    /** Notes the limits of a request. */
    void add(SequenceGroup group) {
        long submitted = group.submittedNanos();
        if (group.settings().queueNanos() > 0) {
            queue.add(new Deadline(submitted + group.settings().queueNanos(), group, true));
        }
        if (group.settings().timeNanos() > 0) {
            queue.add(new Deadline(submitted + group.settings().timeNanos(), group, false));
        }
    }

    /** Takes out a limit that has passed without being met, or null. */
    @Nullable
    Deadline passed(long now) {
        while (true) {
            Deadline next = next();
            if (next == null || next.nanos - now > 0) {
                return null;
            }
            queue.remove();
            return next;
        }
    }

    /** Nanoseconds until the next limit passes, at least 0; the largest if there is none. */
    long remaining(long now) {
        Deadline next = next();
        return next == null ? Long.MAX_VALUE : Math.max(0, next.nanos - now);
    }

    private @Nullable Deadline next() {
        while (true) {
            Deadline first = queue.peek();
            if (first == null || !first.isMet()) {
                return first;
            }
            queue.remove();
        }
    }
}
