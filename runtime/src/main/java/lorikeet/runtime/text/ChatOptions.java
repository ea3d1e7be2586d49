package lorikeet.runtime.text;

import java.time.Clock;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a chat template is given beside the messages.
 *
 * @param addGenerationPrompt whether the text ends with what begins the assistant's answer
 * @param tools the tools that the model may call, each as a JSON schema; absent is not the same as none to a template
 * @param documents texts for the model to draw on
 * @param variables further variables, such as {@code enable_thinking}; they win over the tokenizer's special tokens
 * @param clock what {@code strftime_now} reads
 */
public record ChatOptions(
        boolean addGenerationPrompt,
        Optional<List<Map<String, Object>>> tools,
        Optional<List<Map<String, Object>>> documents,
        Map<String, Object> variables,
        Clock clock) {

    /** Nothing but messages, with or without the generation prompt. */
    public static ChatOptions of(boolean addGenerationPrompt) {
        return new ChatOptions(
                addGenerationPrompt,
                Optional.empty(),
                Optional.empty(),
                Map.of(),
                Clock.system(ZoneId.systemDefault()));
    }

    /** The same with tools. */
    public ChatOptions withTools(List<Map<String, Object>> newTools) {
        return new ChatOptions(addGenerationPrompt, Optional.of(newTools), documents, variables, clock);
    }

    /** The same with documents. */
    public ChatOptions withDocuments(List<Map<String, Object>> newDocuments) {
        return new ChatOptions(addGenerationPrompt, tools, Optional.of(newDocuments), variables, clock);
    }

    /** The same with these variables in place of others. */
    public ChatOptions withVariables(Map<String, Object> newVariables) {
        return new ChatOptions(addGenerationPrompt, tools, documents, newVariables, clock);
    }

    /** The same with another clock. */
    public ChatOptions withClock(Clock newClock) {
        return new ChatOptions(addGenerationPrompt, tools, documents, variables, newClock);
    }
}
