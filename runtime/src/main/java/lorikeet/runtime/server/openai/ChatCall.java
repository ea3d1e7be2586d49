package lorikeet.runtime.server.openai;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import lorikeet.runtime.Request;
import lorikeet.runtime.server.generation.ModelName;
import lorikeet.runtime.server.generation.Sampling;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a call of {@code /v1/chat/completions} asks for.
 *
 * @param model the base model or an adapter
 * @param modelText what the client called it
 * @param prompt the conversation's tokens
 * @param sampling how to answer
 * @param maxTokens the most tokens of an answer
 * @param logProbs each token comes with its log-probability
 * @param stream the answer comes in pieces
 * @param includeUsage the usage comes at the end of the stream
 */
record ChatCall(
        ModelName model,
        String modelText,
        List<Integer> prompt,
        Sampling sampling,
        int maxTokens,
        boolean logProbs,
        boolean stream,
        boolean includeUsage) {
    private static final int MOST_ALTERNATIVES = 20;

    static ChatCall read(JsonBody body, Serving serving) {
        ModelName model = serving.modelName(body);
        List<Map<String, Object>> messages = ChatMessages.read(body, "messages");
        List<Map<String, Object>> tools = tools(body);
        boolean stream = body.flag("stream", false);
        boolean logProbs = body.flag("logprobs", false);
        OptionalInt alternatives = body.integer("top_logprobs", 0, MOST_ALTERNATIVES);
        if (alternatives.isPresent() && !logProbs) {
            throw Refusal.invalid("top_logprobs", "'top_logprobs' needs 'logprobs': true");
        }
        Sampling sampling =
                Sampling.read(body, Sampling.Dialect.OPENAI, serving.model().recommendedSampling(), serving.limits());
        String limit = body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
        body.has("max_tokens"); // the older name of the same; the newer one wins
        OptionalInt asked = body.integer(limit, 1, Integer.MAX_VALUE);
        boolean includeUsage = Fields.includeUsage(body, stream);
        Fields.checkRest(body);
        List<Integer> prompt = serving.prompts().chat("messages", messages, tools);
        return new ChatCall(
                model,
                body.text("model").orElse(serving.baseName()),
                prompt,
                sampling.withLogProbs(logProbs ? alternatives.orElse(0) : -1),
                serving.prompts().maxTokens(limit, prompt, asked, Integer.MAX_VALUE),
                logProbs,
                stream,
                includeUsage);
    }

    /** The tools that the template is to offer. Nothing here makes a model choose one, so that can't be asked for. */
    private static @Nullable List<Map<String, Object>> tools(JsonBody body) {
        JsonNode choice = body.value("tool_choice");
        String word = choice == null ? "auto" : choice.isString() ? choice.stringValue() : "function";
        if (!word.equals("auto") && !word.equals("none")) {
            throw new Refusal(
                    400,
                    "invalid_request_error",
                    "tool_choice",
                    "unsupported",
                    "'tool_choice' may be 'auto' or 'none'; to force a tool is not supported");
        }
        List<Map<String, Object>> tools = body.objects("tools").stream()
                .flatMap(List::stream)
                .map(JsonBody::plain)
                .toList();
        return tools.isEmpty() || word.equals("none") ? null : tools;
    }

    Request request() {
        return model.apply(sampling.request(prompt, maxTokens));
    }
}
