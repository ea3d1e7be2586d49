package lorikeet.runtime.engine;

import lorikeet.kernels.SampledToken;

/** What becomes of a sequence's tokens. Called on the thread that steps the engine. */
public interface SequenceListener {
    /**
     * A token was chosen.
     *
     * @return false if the sequence ends with it
     */
    boolean onToken(SampledToken token);

    /** The sequence ended, and its memory has been given back; called once, unless the engine failed. */
    default void onEnd() {}
}
