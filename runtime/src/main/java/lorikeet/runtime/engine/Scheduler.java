package lorikeet.runtime.engine;

import java.util.List;
import lorikeet.kernels.KvLayout;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;

/**
 * The sequences that run and those that wait: starts them, puts the newest back when memory runs out, and takes them out.
 * {@link Admission} decides which are started. Engine thread only.
 */
final class Scheduler {
    private final KvMemory memory;
    private final Residency residency;
    private final Counters counters;
    private final StepsInFlight flights;
    private final AdmissionQueue waiting = new AdmissionQueue();
    private final RunningSet running = new RunningSet();
    private long preemptions;

    /** A request that can't go on, and why. */
    record Failure(SequenceGroup group, LorikeetException reason) {}

    /** What became of a waiting sequence that is allowed to start. */
    enum Start {
        STARTED,
        /** It can never start. */
        FAILED,
        /** There is no memory, for it or for those behind it. */
        NO_MEMORY
    }

    Scheduler(KvMemory memory, Residency residency, Counters counters, StepsInFlight flights) {
        this.memory = memory;
        this.residency = residency;
        this.counters = counters;
        this.flights = flights;
    }

    RunningSet running() {
        return running;
    }

    AdmissionQueue queue() {
        return waiting;
    }

    /** How often a running sequence was put back. */
    long preemptions() {
        return preemptions;
    }

    /** Whether room may come though nobody gives up any: weights arrive, or a step in flight lands. */
    boolean roomMayCome() {
        return residency.isCopying() || flights.any();
    }

    /** Lets the sequences of a request wait. */
    void add(SequenceGroup group) {
        group.sequences().forEach(waiting::add);
    }

    /**
     * Starts a waiting sequence, whose adapter is resident. If it was started, the caller takes it out of the queue.
     *
     * @param spare the blocks that must be left free
     * @param failures receives its request if there is no memory for it although nothing else runs
     */
    Start start(Sequence sequence, int spare, long now, List<Failure> failures) {
        SequenceGroup group = sequence.group();
        AdapterLease lease = group.lease();
        if (lease != null) {
            residency.hold(lease);
        }
        if (memory.start(sequence, spare)) {
            running.add(sequence);
            if (!group.isStarted()) {
                group.start(now, sequence.computed());
                counters.started(sequence.promptLength(), sequence.computed());
            }
            return Start.STARTED;
        }
        if (lease != null) {
            residency.release(lease);
        }
        if (running.isEmpty() && !roomMayCome()) {
            failures.add(new Failure(group, noRoom(sequence)));
            return Start.FAILED;
        }
        return Start.NO_MEMORY;
    }

    private LorikeetException noRoom(Sequence sequence) {
        return new LorikeetException(
                ErrorCode.NO_ROOM,
                "no memory is left for the " + KvLayout.blocksFor(sequence.length()) + " KV blocks that a text of "
                        + sequence.length() + " tokens takes");
    }

    /**
     * Sees to it that all running sequences have the blocks for their expected tokens, the oldest first, by putting back
     * the newest.
     *
     * @param failures receives a request that has no memory although it runs alone
     * @return false if this can't be while a step is in flight: what is put back must know its tokens, and what such a step
     *     works with is not to be had
     */
    boolean grow(List<Failure> failures) {
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.sequences().get(i);
            while (sequence.isRunning() && !memory.grow(sequence)) {
                if (flights.any()) {
                    return false;
                }
                if (running.size() == 1 && !residency.isCopying()) {
                    failures.add(new Failure(sequence.group(), noRoom(sequence)));
                    return true;
                }
                putBack(running.newest());
            }
        }
        return true;
    }

    private void putBack(Sequence sequence) {
        memory.publish(sequence);
        leave(sequence);
        waiting.add(sequence);
        preemptions++;
    }

    private void leave(Sequence sequence) {
        running.remove(sequence);
        memory.release(sequence);
        AdapterLease lease = sequence.group().lease();
        if (lease != null) {
            flights.whenLanded(() -> residency.release(lease));
        }
    }

    /**
     * Takes a sequence out, whether it runs or waits.
     *
     * @param sound whether its keys and values may serve others
     */
    void remove(Sequence sequence, boolean sound) {
        if (!sequence.isRunning()) {
            waiting.remove(sequence);
            return;
        }
        if (sound) {
            memory.publish(sequence);
        }
        leave(sequence);
    }

    /** Forgets what could not be removed in good order. */
    void clear() {
        waiting.clear();
        running.clear();
    }
}
