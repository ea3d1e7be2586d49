package lorikeet.runtime.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /v1/completions}, or a piece of one.
 *
 * @param usage a {@link Usage}, {@link Usage#LATER}, or null to leave it out
 */
record Completion(
        String id,
        String object,
        long created,
        String model,
        List<Choice> choices,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Object usage) {
    static final String OBJECT = "text_completion";

    /** A continuation, or a piece of one; only the last piece has a reason. */
    record Choice(
            int index,
            String text,
            @Nullable CompletionLogProbs logprobs,
            @Nullable String finishReason) {}
}
