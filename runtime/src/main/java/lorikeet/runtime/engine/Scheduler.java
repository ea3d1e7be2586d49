package lorikeet.runtime.engine;

import java.util.Iterator;
import java.util.List;
import lorikeet.kernels.KvLayout;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.Residency.Presence;
import org.jspecify.annotations.Nullable;

/**
 * Decides which sequences run: starts those that wait, in the order in which they came, as memory and limits allow, and
 * puts the newest back when memory runs out.
 *
 * <p>A request whose adapter isn't there waits, and others go on. While its adapter finds no room, only so many requests
 * for adapters that came later are started before it; then no more are, so that those that hold the room end. Requests
 * for the base model are started all the same. Engine thread only.
 */
final class Scheduler {
    /** How many later requests for adapters may overtake one whose adapter finds no room. */
    static final int MOST_OVERTAKING = 16;

    /** While room is to be made for an adapter, later requests leave this part of the blocks free. */
    private static final int DRAIN_PART = 4;

    private final EngineLimits limits;
    private final KvBlocks blocks;
    private final KvMemory memory;
    private final Residency residency;
    private final Counters counters;
    private final AdmissionQueue waiting = new AdmissionQueue();
    private final RunningSet running = new RunningSet();

    /** The oldest request whose adapter finds no room in the present pass. */
    private @Nullable SequenceGroup blocked;

    private boolean copiesUnderWay;
    private long preemptions;

    /** A request that can't go on, and why. */
    record Failure(SequenceGroup group, LorikeetException reason) {}

    /** What became of a waiting sequence that is allowed to start. */
    private enum Start {
        STARTED,
        /** It can never start. */
        FAILED,
        /** There is no memory, for it or for those behind it. */
        NO_MEMORY
    }

    Scheduler(EngineLimits limits, KvBlocks blocks, KvMemory memory, Residency residency, Counters counters) {
        this.limits = limits;
        this.blocks = blocks;
        this.memory = memory;
        this.residency = residency;
        this.counters = counters;
    }

    RunningSet running() {
        return running;
    }

    /** The number of sequences that wait. */
    int waiting() {
        return waiting.size();
    }

    /** How often a running sequence was put back. */
    long preemptions() {
        return preemptions;
    }

    /** Lets the sequences of a request wait. */
    void add(SequenceGroup group) {
        group.sequences().forEach(waiting::add);
    }

    /**
     * Starts what can be started.
     *
     * @param failures receives the requests that can't ever be started
     */
    void admit(long now, List<Failure> failures) {
        blocked = null;
        boolean coming = false;
        for (Iterator<Sequence> all = waiting.iterator(); all.hasNext() && running.size() < limits.running(); ) {
            Sequence sequence = all.next();
            SequenceGroup group = sequence.group();
            if (sequence.choice() > 0 && !group.promptIsComputed()) {
                continue;
            }
            Presence presence = presence(group, failures);
            coming |= presence == Presence.COMING;
            if (presence != Presence.RESIDENT) {
                continue;
            }
            Start start = start(sequence, now, failures);
            if (start == Start.NO_MEMORY) {
                break;
            }
            if (start == Start.STARTED) {
                all.remove();
                if (blocked != null && group.lease() != null) {
                    blocked.overtake();
                }
            }
        }
        copiesUnderWay = coming;
    }

    private boolean isDraining() {
        return blocked != null && blocked.overtaken() >= MOST_OVERTAKING;
    }

    private Presence presence(SequenceGroup group, List<Failure> failures) {
        AdapterLease lease = group.lease();
        if (lease == null) {
            return Presence.RESIDENT;
        }
        if (isDraining()) {
            return Presence.NO_ROOM;
        }
        Presence presence = residency.ask(lease);
        if (presence == Presence.FAILED) {
            failures.add(new Failure(group, residency.failure(lease)));
        }
        if (presence == Presence.NO_ROOM && blocked == null) {
            blocked = group;
        }
        return presence;
    }

    private Start start(Sequence sequence, long now, List<Failure> failures) {
        SequenceGroup group = sequence.group();
        AdapterLease lease = group.lease();
        if (lease != null) {
            residency.hold(lease);
        }
        // Each running sequence may need another block soon; putting one back because of this one would be a waste.
        int spare = running.size() + (isDraining() ? blocks.capacity() / DRAIN_PART : 0);
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
        if (running.isEmpty() && !copiesUnderWay && !isDraining()) {
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
     * Sees to it that all running sequences have the blocks for their known tokens, the oldest first, by putting back the
     * newest.
     *
     * @param failures receives a request that has no memory although it runs alone
     */
    void grow(List<Failure> failures) {
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.sequences().get(i);
            while (sequence.isRunning() && !memory.grow(sequence)) {
                if (running.size() == 1 && !copiesUnderWay) {
                    failures.add(new Failure(sequence.group(), noRoom(sequence)));
                    return;
                }
                putBack(running.newest());
            }
        }
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
            residency.release(lease);
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
}
