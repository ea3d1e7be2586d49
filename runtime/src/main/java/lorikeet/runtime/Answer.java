package lorikeet.runtime;

import java.time.Duration;
import java.util.List;
import lorikeet.kernels.SampledToken;

/**
 * What a request got.
 *
 * @param promptTokens the prompt as the model saw it
 * @param choices as many as the request asked for
 * @param promptScores the log-probabilities of the prompt's last tokens, as many as were asked for
 * @param usage what it took
 */
public record Answer(List<Integer> promptTokens, List<Choice> choices, List<SampledToken> promptScores, Usage usage) {
    /**
     * What an answer took. Unlike the rest of it, this depends on what ran beside it.
     *
     * @param adapterId the id of the adapter's load, 0 for the base model
     * @param cachedTokens how many of the prompt's tokens were found in the prefix cache
     * @param queued from the submission to the first step that had a part in it
     * @param firstToken from the submission to the first token
     * @param total from the submission to the end
     */
    public record Usage(long adapterId, int cachedTokens, Duration queued, Duration firstToken, Duration total) {}

    public Answer {
        promptTokens = List.copyOf(promptTokens);
        choices = List.copyOf(choices);
        promptScores = List.copyOf(promptScores);
    }

    /** The text of the first choice. */
    public String text() {
        return choices.getFirst().text();
    }
}
