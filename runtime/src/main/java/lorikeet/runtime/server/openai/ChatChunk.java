package lorikeet.runtime.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a streamed chat completion.
 *
 * @param usage a {@link Usage}, {@link Usage#LATER}, or null to leave it out
 */
record ChatChunk(
        String id,
        String object,
        long created,
        String model,
        List<Choice> choices,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Object usage) {
    static final String OBJECT = "chat.completion.chunk";

    /** A piece of one of the answers; only the last has a reason. */
    record Choice(
            int index,
            Delta delta,
            @Nullable ChatLogProbs logprobs,
            @Nullable String finishReason) {}

    /** What is new. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Delta(@Nullable String role, @Nullable String content) {}
}
