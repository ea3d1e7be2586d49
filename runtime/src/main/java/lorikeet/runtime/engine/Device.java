package lorikeet.runtime.engine;

import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.Sampler;
import lorikeet.memory.Matrix;

/** A model on a device, as the engine sees it. Engine thread only. */
public interface Device {
    /**
     * Whether the next step may be launched before the tokens of the last one were seen. Its batch has them as
     * {@link Batch#chosen} says.
     */
    boolean looksAhead();

    /**
     * Runs one step, or starts to: the logits may be there only when the sampler has waited for them.
     *
     * @param batch must not change meanwhile
     * @param cache holds the blocks that the batch's sequences name
     * @return a row for each wanted one; overwritten by the next step
     */
    Matrix run(Batch batch, KvCache cache);

    /** Chooses tokens from the logits. */
    Sampler sampler();

    /** Waits for the steps so far, also for what of a step was started before it failed. */
    void await();

    /** Waits for a row of logits and copies it. */
    void read(Matrix logits, int row, float[] to);

    /**
     * Checks that the model's mapped files are still whole. Asked before a step, so that lost pages are not read if it can
     * be helped, and after it, before any token is believed: of the page that a file now ends in, the lost part reads as
     * zeros.
     *
     * @throws lorikeet.runtime.LorikeetException INVALID_FILE if a file was cut short
     */
    void checkFiles();
}
