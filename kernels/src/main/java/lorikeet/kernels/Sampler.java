package lorikeet.kernels;

import java.util.List;
import lorikeet.memory.Matrix;

/** Chooses tokens from logits. Called by the thread that owns the device. */
public interface Sampler {
    /** The state for one new sequence. Draws depend on the settings' seed and the number of the draw alone. */
    SamplingState newState(SamplingSettings settings);

    /**
     * Chooses one token for each of the first rows of {@code logits} and waits for the result.
     *
     * @param logits {@code [>= states.size(), vocabulary]}, F32; may be overwritten
     * @param states one for each row; updated
     * @return one token for each row
     */
    List<SampledToken> sample(Matrix logits, List<? extends SamplingState> states);

    /**
     * The log-probabilities of given tokens, for scoring a prompt: the token's own and its alternatives.
     *
     * @param logits {@code [>= tokens.length, vocabulary]}, F32; not changed
     * @param tokens one for each row
     * @param alternatives number of most likely tokens to report for each row
     */
    List<SampledToken> score(Matrix logits, int[] tokens, int alternatives);
}
