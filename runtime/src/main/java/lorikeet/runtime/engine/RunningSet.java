package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The sequences that run, in the order in which their requests came, and the adapters they use. Engine thread only. */
final class RunningSet {
    private final List<Sequence> sequences = new ArrayList<>();
    private final Map<Long, RunningAdapter> adapters = new HashMap<>();

    List<Sequence> sequences() {
        return sequences;
    }

    Collection<RunningAdapter> adapters() {
        return adapters.values();
    }

    int size() {
        return sequences.size();
    }

    boolean isEmpty() {
        return sequences.isEmpty();
    }

    /** The one whose request came last; there must be one. */
    Sequence newest() {
        return sequences.getLast();
    }

    void clear() {
        sequences.clear();
        adapters.clear();
    }

    void add(Sequence sequence) {
        RunningAdapter adapter = adapters.computeIfAbsent(sequence.group().adapterId(), RunningAdapter::new);
        adapter.sequences(adapter.sequences() + 1);
        sequence.adapter(adapter);
        int place = Collections.binarySearch(sequences, sequence, AdmissionQueue.BY_ARRIVAL);
        sequences.add(-place - 1, sequence);
    }

    void remove(Sequence sequence) {
        int place = Collections.binarySearch(sequences, sequence, AdmissionQueue.BY_ARRIVAL);
        sequences.remove(place);
        RunningAdapter adapter = sequence.adapter();
        adapter.sequences(adapter.sequences() - 1);
        if (adapter.sequences() == 0) {
            adapters.remove(adapter.id());
        }
    }
}
