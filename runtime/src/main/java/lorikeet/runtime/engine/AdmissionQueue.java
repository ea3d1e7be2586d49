package lorikeet.runtime.engine;

import java.util.Comparator;
import java.util.Iterator;
import java.util.TreeSet;

/**
 * The sequences that wait to be started, or to be resumed, in the order in which their requests came: what was put back
 * stands before all that came later. Engine thread only.
 */
final class AdmissionQueue implements Iterable<Sequence> {
    static final Comparator<Sequence> BY_ARRIVAL = Comparator.<Sequence>comparingLong(
                    sequence -> sequence.group().serial())
            .thenComparingInt(Sequence::choice);

    private final TreeSet<Sequence> waiting = new TreeSet<>(BY_ARRIVAL);

    void add(Sequence sequence) {
        waiting.add(sequence);
    }

    void remove(Sequence sequence) {
        waiting.remove(sequence);
    }

    void clear() {
        waiting.clear();
    }

    int size() {
        return waiting.size();
    }

    /** The oldest first; its {@link Iterator#remove} takes the last one out. */
    @Override
    public Iterator<Sequence> iterator() {
        return waiting.iterator();
    }
}
