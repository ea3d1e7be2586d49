package lorikeet.kernels;

import java.util.List;
import lorikeet.memory.Matrix;

/** Chooses tokens from logits. Called by the thread that owns the device. */
public interface Sampler {
    /** The state for one new sequence. Draws depend on the settings' seed and the number of the draw alone. */
    SamplingState newState(SamplingSettings settings);

    /**
     * Starts to choose one token for each of the first rows of {@code logits}. The steps that are begun before the next
     * start may have these tokens in their batches, as {@link Batch#chosen} says, though nobody has seen them yet. At most
     * two may be started and not waited for.
     *
     * @param logits {@code [>= states.size(), vocabulary]}, F32; may be overwritten
     * @param states one for each row, none twice; ready for the next start when this returns
     */
    Sampling start(Matrix logits, List<? extends SamplingState> states);

    /**
     * Chooses one token for each of the first rows of {@code logits} and waits for the result.
     *
     * @param logits {@code [>= states.size(), vocabulary]}, F32; may be overwritten
     * @param states one for each row; updated
     * @return one token for each row
     * @throws InvalidLogitsException if some rows have no token to choose
     */
    default List<SampledToken> sample(Matrix logits, List<? extends SamplingState> states) {
        return InvalidLogitsException.requireAll(start(logits, states).await());
    }

    /**
     * The log-probabilities of given tokens, for scoring a prompt: the token's own and its alternatives.
     *
     * @param logits {@code [>= tokens.length, vocabulary]}, F32; not changed
     * @param tokens one for each row
     * @param alternatives number of most likely tokens to report for each row
     */
    List<SampledToken> score(Matrix logits, int[] tokens, int alternatives);
}
