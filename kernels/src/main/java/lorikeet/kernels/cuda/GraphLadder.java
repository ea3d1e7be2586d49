package lorikeet.kernels.cuda;

import java.util.HashMap;
import java.util.Map;
import lorikeet.bindings.CudaGraph;
import lorikeet.bindings.CudaStream;
import org.jspecify.annotations.Nullable;

/**
 * The recorded decode steps, one for each rung: a number of rows, large enough for the step, and what else the recorded
 * launches depend on. A step runs as it is the first time its rung is met, so that nothing is loaded while recording; it
 * is recorded the second time, and replayed from then on.
 */
final class GraphLadder implements AutoCloseable {
    private static final int[] ROWS = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256};

    private final CudaStream stream;
    private final Map<Rung, Entry> entries = new HashMap<>();
    private @Nullable Entry recording;

    /**
     * What a recorded step depends on.
     *
     * @param rows the most sequences
     * @param adapted whether any of them may have an adapter
     * @param headAdapted whether any adapter may change the head
     */
    record Rung(int rows, boolean adapted, boolean headAdapted) {}

    private static final class Entry {
        private boolean met;
        private @Nullable CudaGraph graph;
    }

    /** What becomes of a step. */
    enum Start {
        /** Its calls are to be made, and do their work. */
        RUN,
        /** Its calls are to be made, and are recorded; the work is done at the end. */
        RECORD,
        /** It is running already. */
        REPLAYED
    }

    GraphLadder(CudaStream stream) {
        this.stream = stream;
    }

    /** The number of rows that a step with so many sequences is recorded for, or 0 if it is too large. */
    static int rows(int sequences) {
        for (int rows : ROWS) {
            if (rows >= sequences) {
                return rows;
            }
        }
        return 0;
    }

    Start begin(Rung rung) {
        Entry entry = entries.computeIfAbsent(rung, key -> new Entry());
        if (entry.graph != null) {
            entry.graph.launch(stream);
            return Start.REPLAYED;
        }
        if (!entry.met) {
            entry.met = true;
            return Start.RUN;
        }
        recording = entry;
        stream.beginCapture();
        return Start.RECORD;
    }

    /** Ends a recording, if one is under way, and runs what was recorded. */
    void end() {
        Entry entry = recording;
        if (entry != null) {
            recording = null;
            entry.graph = stream.endCapture();
            entry.graph.launch(stream);
        }
    }

    /** Gives up a recording that a failure left under way. */
    void abandon() {
        if (recording != null) {
            recording = null;
            stream.abandonCapture();
        }
    }

    /** Forgets all recordings; none may be running. */
    void clear() {
        for (Entry entry : entries.values()) {
            if (entry.graph != null) {
                entry.graph.close();
            }
        }
        entries.clear();
    }

    @Override
    public void close() {
        abandon();
        clear();
    }
}
