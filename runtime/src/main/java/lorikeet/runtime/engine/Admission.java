package lorikeet.runtime.engine;

import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.Residency.Presence;
import lorikeet.runtime.engine.Scheduler.Failure;
import lorikeet.runtime.engine.Scheduler.Start;
import org.jspecify.annotations.Nullable;

/**
 * Decides which of the waiting sequences start: the oldest first, as memory and limits allow.
 *
 * <p>A request whose adapter isn't there waits, and others go on. While its adapter finds no room, only so many requests
 * for adapters that came later are started before it; then no more are, so that those that hold the room end. Requests
 * for the base model are started all the same. Engine thread only.
 */
final class Admission {
    /** How many later requests for adapters may overtake one whose adapter finds no room. */
    static final int MOST_OVERTAKING = 16;

    /** How many of those that wait may have their adapters brought while nothing more can run. */
    private static final int LOOK_AHEAD = 8;

    /** They are brought only while this part of the blocks is to be had, or the texts that run would push them out again. */
    private static final int LOOK_AHEAD_PART = 8;

    /** After this many passes in which nothing runs, comes or starts, an adapter won't find room any more. */
    private static final int HOPELESS_PASSES = 3;

    /** While room is to be made for an adapter, later requests leave this part of the blocks free. */
    private static final int DRAIN_PART = 4;

    private final int mostRunning;
    private final Scheduler scheduler;
    private final RunningSet running;
    private final KvMemory memory;
    private final Residency residency;

    /** The oldest request whose adapter finds no room in the present pass. */
    private @Nullable SequenceGroup blocked;

    /** The adapters that are known not to be there in the present pass. */
    private final Set<Long> absent = new HashSet<>();

    private int hopelessPasses;

    Admission(int mostRunning, Scheduler scheduler, KvMemory memory, Residency residency) {
        this.mostRunning = mostRunning;
        this.scheduler = scheduler;
        this.running = scheduler.running();
        this.memory = memory;
        this.residency = residency;
    }

    /**
     * Starts what can be started.
     *
     * @param failures receives the requests that can't ever be started
     */
    void admit(long now, List<Failure> failures) {
        blocked = null;
        absent.clear();
        int ahead = mostAhead();
        for (Iterator<Sequence> all = scheduler.queue().iterator(); all.hasNext(); ) {
            Sequence sequence = all.next();
            SequenceGroup group = sequence.group();
            if (sequence.choice() > 0 && !group.promptIsComputed()) {
                continue;
            }
            boolean full = running.size() == mostRunning;
            if (full && ahead-- == 0) {
                break;
            }
            if (presence(group, failures) != Presence.RESIDENT || full) {
                continue;
            }
            Start start = scheduler.start(sequence, spare(), now, failures);
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
        failHopeless(failures);
    }

    private int mostAhead() {
        return memory.obtainable() < memory.capacity() / LOOK_AHEAD_PART ? 0 : LOOK_AHEAD;
    }

    private boolean isDraining() {
        return blocked != null && blocked.overtaken() >= MOST_OVERTAKING;
    }

    /**
     * The blocks that one more sequence must leave free. Each running one may need another block soon; putting one back
     * because of a new one would be a waste.
     */
    private int spare() {
        return running.size() + (isDraining() && !running.isEmpty() ? memory.capacity() / DRAIN_PART : 0);
    }

    private Presence presence(SequenceGroup group, List<Failure> failures) {
        AdapterLease lease = group.lease();
        if (lease == null) {
            return Presence.RESIDENT;
        }
        if (isDraining() || absent.contains(lease.id())) {
            return Presence.NO_ROOM;
        }
        Presence presence = residency.ask(lease);
        if (presence == Presence.FAILED) {
            failures.add(new Failure(group, residency.failure(lease)));
        }
        if (presence == Presence.NO_ROOM) {
            absent.add(lease.id());
            if (blocked == null) {
                blocked = group;
            }
        }
        return presence;
    }

    /** What keeps an adapter out although nothing runs keeps it out for ever: others are pinned. */
    private void failHopeless(List<Failure> failures) {
        boolean hopeless = blocked != null && running.isEmpty() && !scheduler.roomMayCome();
        hopelessPasses = hopeless ? hopelessPasses + 1 : 0;
        if (blocked != null && hopelessPasses >= HOPELESS_PASSES) {
            failures.add(new Failure(
                    blocked,
                    new LorikeetException(
                            ErrorCode.NO_ROOM, "there is no room for the adapter beside those that are pinned")));
            hopelessPasses = 0;
        }
    }
}
