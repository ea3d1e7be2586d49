package lorikeet.runtime.engine;

import java.util.List;
import lorikeet.kernels.SamplingSettings;
import org.jspecify.annotations.Nullable;

/**
 * How a prompt is to be continued.
 *
 * @param sampling one for each choice
 * @param maxTokens the most tokens of a choice
 * @param scoring which tokens of the prompt are to be scored, or null
 * @param wantsLogits whether the listener is shown logits
 * @param queueNanos the most time from the submission to the first step, 0 for no limit
 * @param timeNanos the most time from the submission to the end, 0 for no limit
 */
public record GroupSettings(
        List<SamplingSettings> sampling,
        int maxTokens,
        @Nullable Scoring scoring,
        boolean wantsLogits,
        long queueNanos,
        long timeNanos) {
    /**
     * Which tokens of the prompt are to be scored: those from {@code from} (at least 1) on.
     *
     * @param alternatives the number of most likely tokens to report beside each
     */
    public record Scoring(int from, int alternatives) {
        public Scoring {
            if (from < 1 || alternatives < 0) {
                throw new IllegalArgumentException("from " + from + ", " + alternatives + " alternatives");
            }
        }
    }

    public GroupSettings {
        sampling = List.copyOf(sampling);
        if (sampling.isEmpty() || maxTokens < 1 || queueNanos < 0 || timeNanos < 0) {
            throw new IllegalArgumentException(sampling.size() + " choices of up to " + maxTokens + " tokens in "
                    + queueNanos + " and " + timeNanos + " ns");
        }
    }
}
