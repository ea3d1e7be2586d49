package lorikeet.runtime.server.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An answer of {@code /v1/chat/completions}. */
record ChatCompletion(String id, String object, long created, String model, List<Choice> choices, Usage usage) {
    static final String OBJECT = "chat.completion";

    /** One of the answers. */
    record Choice(
            int index,
            Message message,
            @Nullable ChatLogProbs logprobs,
            @Nullable String finishReason) {}

    /** What the model says; it never refuses in a way of its own. */
    record Message(String role, String content, @Nullable String refusal) {}
}
