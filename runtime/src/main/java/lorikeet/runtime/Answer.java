package lorikeet.runtime;

import java.util.List;

/**
 * What a request got.
 *
 * @param promptTokens the prompt as the model saw it
 * @param choices as many as the request asked for
 */
public record Answer(List<Integer> promptTokens, List<Choice> choices) {
    public Answer {
        promptTokens = List.copyOf(promptTokens);
        choices = List.copyOf(choices);
    }

    /** The text of the first choice. */
    public String text() {
        return choices.getFirst().text();
    }
}
