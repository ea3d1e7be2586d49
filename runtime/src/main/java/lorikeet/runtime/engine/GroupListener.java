package lorikeet.runtime.engine;

import lorikeet.kernels.SampledToken;
import lorikeet.runtime.LorikeetException;

/**
 * What becomes of a request's sequences. Called on the engine's thread; one of {@link #onEnd} and {@link #onFailure} is
 * called, once, and it is the last call.
 */
public interface GroupListener {
    /**
     * A token was chosen.
     *
     * @return false if the sequence ends with it
     */
    boolean onToken(int choice, SampledToken token);

    /** The logits that the next token will be chosen from; only for groups that asked for them. */
    default void onLogits(int choice, float[] logits) {}

    /** All sequences have ended. Their memory is given back once no step in flight works with it. */
    void onEnd();

    /** The request ended early. Its memory is given back once no step in flight works with it. */
    void onFailure(LorikeetException failure);
}
