package lorikeet.runtime.server.openai;

import java.util.List;
import lorikeet.runtime.Answer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;

/**
 * The tokens that a call took. Each prompt counts once, however many choices were made of it.
 *
 * @param promptTokensDetails how many were found in the prefix cache
 */
record Usage(int promptTokens, int completionTokens, int totalTokens, Details promptTokensDetails) {
    /** Stands in the other chunks of a stream that ends with the usage. */
    static final JsonNode LATER = NullNode.getInstance();

    record Details(int cachedTokens) {}

    /**
     * The usage of some prompts.
     *
     * @param continued whether their texts were asked for, or only the prompts back
     */
    static Usage of(List<Answer> answers, boolean continued) {
        int prompt = 0;
        int completion = 0;
        int cached = 0;
        for (Answer answer : answers) {
            prompt += answer.promptTokens().size();
            cached += answer.usage().cachedTokens();
            completion += answer.choices().stream()
                    .mapToInt(choice -> choice.tokens().size())
                    .sum();
        }
        int given = continued ? completion : 0;
        return new Usage(prompt, given, prompt + given, new Details(cached));
    }
}
