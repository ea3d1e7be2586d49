package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaStream;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import org.jspecify.annotations.Nullable;

/**
 * Begins and ends steps: brings the description of each to the device, and records or replays those that may be. Owns
 * what it is given of these. For the thread that owns the device, but for {@link #reserve}.
 */
final class CudaSteps implements AutoCloseable {
    private final CudaStream stream;
    private final StepUpload upload;
    private final LoraScratch scratch;
    private final CudaHead head;
    private final CudaSampler sampler;
    private final GraphLadder ladder;
    private final CudaSettings settings;
    private volatile int mostRows = 1;

    /** The device address of the last sampling's tokens. */
    private long chosen;

    /** Set when steps are to work on other memory from then on: what was recorded is for what they worked on before. */
    private boolean recordedForOthers;

    private @Nullable CurrentStep current;

    /**
     * Of the work in a stream.
     *
     * @param upload owned from here on, and so is {@code scratch}
     * @param head not owned, nor is {@code sampler}
     * @param settings whether decode steps are recorded and replayed, and are independent of one another
     */
    CudaSteps(
            CudaStream stream,
            StepUpload upload,
            LoraScratch scratch,
            CudaHead head,
            CudaSampler sampler,
            CudaSettings settings) {
        this.stream = stream;
        this.upload = upload;
        this.scratch = scratch;
        this.head = head;
        this.sampler = sampler;
        this.ladder = new GraphLadder(stream);
        this.settings = settings;
    }

    /** Notes that steps will work on memory that was given out just now, for so many rows. */
    void workOn(int rows) {
        mostRows = Math.max(mostRows, rows);
        recordedForOthers = true;
    }

    /** Makes room for steps with adapters of that rank, see {@link LoraScratch#reserve}. Any thread. */
    void reserve(int rank) {
        scratch.reserve(rank, mostRows);
    }

    /** Begins a step, as {@link lorikeet.kernels.Operations#begin} says; KV blocks are counted from {@code kvBase}. */
    boolean begin(Batch batch, KvCache cache, long kvBase) {
        ladder.abandon();
        recordedForOthers |= upload.reserve(batch, cache);
        scratch.reserve(1, mostRows);
        recordedForOthers |= scratch.adopt();
        long nowChosen = sampler.chosen(mostRows);
        recordedForOthers |= chosen != nowChosen;
        chosen = nowChosen;
        if (recordedForOthers) {
            stream.synchronize();
            ladder.clear();
            recordedForOthers = false;
        }
        upload.send(batch, cache, kvBase);
        int rung = rung(batch);
        CurrentStep step = new CurrentStep(batch, cache.layout(), upload.address(), rung, settings.batchInvariant());
        current = step;
        if (rung == 0) {
            return true;
        }
        boolean headAdapted = CurrentStep.headAdapted(batch.outputGroups(), head.slot());
        return ladder.begin(new GraphLadder.Rung(rung, step.adapted(), headAdapted)) != GraphLadder.Start.REPLAYED;
    }

    /** The rows that the step can be recorded for, 0 if it can't be. */
    private int rung(Batch batch) {
        boolean suits = settings.recordsSteps() && CurrentStep.isDecode(batch) && head.isKnown();
        int rows = suits ? GraphLadder.rows(batch.tokens()) : 0;
        return rows > mostRows ? 0 : rows;
    }

    /** The step that was begun last. */
    CurrentStep current() {
        if (current == null) {
            throw new IllegalStateException("no step was begun");
        }
        return current;
    }

    /** Where its ids that refer to the last sampling find the tokens. */
    long chosen() {
        return chosen;
    }

    void end() {
        ladder.end();
    }

    /** Gives up a step that a failure left unfinished, and waits for what was launched. */
    void await() {
        ladder.abandon();
        stream.synchronize();
    }

    @Override
    public void close() {
        ladder.close();
        scratch.close();
        upload.close();
    }
}
