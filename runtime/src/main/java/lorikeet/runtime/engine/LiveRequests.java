package lorikeet.runtime.engine;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import lorikeet.kernels.Sampler;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import org.jspecify.annotations.Nullable;

/**
 * The requests that the engine has taken on, from their arrival to their end, which each of them has once. Engine thread
 * only.
 */
final class LiveRequests {
    private final Scheduler scheduler;
    private final KvMemory memory;
    private final Counters counters;
    private final LongSupplier clock;
    private final Deadlines deadlines = new Deadlines();
    private final Set<SequenceGroup> live = new LinkedHashSet<>();
    private long nextSerial;

    LiveRequests(Scheduler scheduler, KvMemory memory, Counters counters, LongSupplier clock) {
        this.scheduler = scheduler;
        this.memory = memory;
        this.counters = counters;
        this.clock = clock;
    }

    /** Takes a request on; its sequences wait to be started. */
    void add(SequenceGroup group, Sampler sampler) {
        group.serial(nextSerial++);
        live.add(group);
        group.prepare(sampler);
        deadlines.add(group);
        scheduler.add(group);
    }

    /** Fails those whose time limits have passed; returns how many. */
    int expire() {
        int expired = 0;
        long now = clock.getAsLong();
        for (Deadlines.Deadline late = deadlines.passed(now); late != null; late = deadlines.passed(now)) {
            String what = late.untilStart() ? "was not started" : "was not done";
            fail(
                    late.group(),
                    new LorikeetException(ErrorCode.TIMED_OUT, "the request " + what + " within its time limit"));
            expired++;
        }
        return expired;
    }

    /** Nanoseconds until the next time limit passes; the largest if there is none. */
    long remaining() {
        return deadlines.remaining(clock.getAsLong());
    }

    /** Ends a sequence, and its request if it is the last. */
    void end(Sequence sequence) {
        scheduler.remove(sequence, true);
        sequence.end();
        if (sequence.group().endOne()) {
            finish(sequence.group(), null);
        }
    }

    /** Ends a request as it is. Does nothing if it has ended. */
    void end(SequenceGroup group) {
        if (!group.hasEnded()) {
            stop(group, true);
            finish(group, null);
        }
    }

    /** Fails a request. Does nothing if it has ended. */
    void fail(SequenceGroup group, LorikeetException reason) {
        if (!group.hasEnded()) {
            stop(group, false);
            finish(group, reason);
        }
    }

    private void stop(SequenceGroup group, boolean sound) {
        for (Sequence sequence : group.sequences()) {
            if (!sequence.hasEnded()) {
                scheduler.remove(sequence, sound);
                sequence.end();
            }
        }
    }

    private void finish(SequenceGroup group, @Nullable LorikeetException failure) {
        memory.forget(group);
        live.remove(group);
        deadlines.remove(group);
        counters.ended(group, failure == null);
        group.end(clock.getAsLong());
        if (failure == null) {
            group.listener().onEnd();
        } else {
            group.listener().onFailure(failure);
        }
    }

    /** Fails all requests, even if a mistake has left things in disorder. */
    void failAll(LorikeetException reason) {
        for (SequenceGroup group : List.copyOf(live)) {
            try {
                fail(group, reason);
            } catch (RuntimeException | Error e) {
                reason.addSuppressed(e);
                abandon(group, reason);
            }
        }
        scheduler.clear();
    }

    /** Lets go of a request that can't be taken out in good order; whoever waits for it must hear of that. */
    private void abandon(SequenceGroup group, LorikeetException reason) {
        if (live.remove(group)) {
            group.end(clock.getAsLong());
            group.listener().onFailure(reason);
        }
    }
}
