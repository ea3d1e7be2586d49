package lorikeet.runtime.engine;

import java.util.Comparator;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The time limits of the requests that have not ended, the next one first. Engine thread only. */
final class Deadlines {
    private final TreeSet<Deadline> limits = new TreeSet<>(Comparator.<Deadline>comparingLong(Deadline::nanos)
            .thenComparingLong(limit -> limit.group().serial())
            .thenComparing(Deadline::untilStart));

    /**
     * A time limit.
     *
     * @param nanos when it passes
     * @param untilStart whether it is met once the request has started
     */
    record Deadline(long nanos, SequenceGroup group, boolean untilStart) {}

    /** Notes the limits of a request. */
    void add(SequenceGroup group) {
        if (group.settings().queueNanos() > 0) {
            limits.add(queueLimit(group));
        }
        if (group.settings().timeNanos() > 0) {
            limits.add(timeLimit(group));
        }
    }

    /** Forgets a request that has ended. */
    void remove(SequenceGroup group) {
        limits.remove(queueLimit(group));
        limits.remove(timeLimit(group));
    }

    private static Deadline queueLimit(SequenceGroup group) {
        return new Deadline(group.submittedNanos() + group.settings().queueNanos(), group, true);
    }

    private static Deadline timeLimit(SequenceGroup group) {
        return new Deadline(group.submittedNanos() + group.settings().timeNanos(), group, false);
    }

    /** Takes out a limit that has passed without being met, or null. */
    @Nullable
    Deadline passed(long now) {
        Deadline next = next();
        if (next == null || next.nanos - now > 0) {
            return null;
        }
        limits.remove(next);
        return next;
    }

    /** Nanoseconds until the next limit passes, at least 0; the largest if there is none. */
    long remaining(long now) {
        Deadline next = next();
        return next == null ? Long.MAX_VALUE : Math.max(0, next.nanos - now);
    }

    private @Nullable Deadline next() {
        while (!limits.isEmpty()) {
            Deadline first = limits.first();
            if (!first.untilStart || !first.group.isStarted()) {
                return first;
            }
            limits.remove(first);
        }
        return null;
    }
}
