package lorikeet.runtime.server.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import lorikeet.runtime.Request;
import lorikeet.runtime.server.generation.ModelName;
import lorikeet.runtime.server.generation.Sampling;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;

/**
 * What a call of {@code /v1/completions} asks for.
 *
 * @param model the base model or an adapter
 * @param modelText what the client called it
 * @param input the prompts as they were given
 * @param prompts their tokens
 * @param sampling how to continue them
 * @param maxTokens by how many tokens; 0 for an echo alone
 * @param echo the prompts stand before the texts
 * @param logProbs alternatives to give with each token, if any log-probabilities
 * @param stream the texts come in pieces
 * @param includeUsage the usage comes at the end of the stream
 */
record CompletionCall(
        ModelName model,
        String modelText,
        PromptInput input,
        List<List<Integer>> prompts,
        Sampling sampling,
        List<Integer> maxTokens,
        boolean echo,
        OptionalInt logProbs,
        boolean stream,
        boolean includeUsage) {
    private static final int DEFAULT_TOKENS = 16;
    private static final int MOST_ALTERNATIVES = 20;

    static CompletionCall read(JsonBody body, Serving serving) {
        ModelName model = serving.modelName(body);
        PromptInput input = PromptInput.read(body, "prompt", serving.limits().prompts());
        boolean echo = body.flag("echo", false);
        boolean stream = body.flag("stream", false);
        OptionalInt logProbs = body.integer("logprobs", 0, MOST_ALTERNATIVES);
        if (echo && stream && logProbs.isPresent()) {
            throw Refusal.invalid("echo", "'echo' with 'logprobs' is not supported for a stream");
        }
        Sampling sampling =
                Sampling.read(body, Sampling.Dialect.OPENAI, serving.model().recommendedSampling(), serving.limits());
        refuseBestOf(body, sampling.choices());
        OptionalInt asked = body.integer("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE);
        boolean includeUsage = Fields.includeUsage(body, stream);
        Fields.checkRest(body);
        List<List<Integer>> prompts = input.tokenize(serving.prompts(), "prompt");
        List<Integer> maxTokens = new ArrayList<>();
        for (List<Integer> prompt : prompts) {
            maxTokens.add(serving.prompts().maxTokens("max_tokens", prompt, asked, DEFAULT_TOKENS));
        }
        return new CompletionCall(
                model,
                body.text("model").orElse(serving.baseName()),
                input,
                prompts,
                sampling.withLogProbs(logProbs.orElse(-1)),
                maxTokens,
                echo,
                logProbs,
                stream,
                includeUsage);
    }

    /** As many candidates as choices are no search, and so harmless. */
    private static void refuseBestOf(JsonBody body, int choices) {
        OptionalInt bestOf = body.integer("best_of", 0, Integer.MAX_VALUE);
        if (bestOf.isPresent() && bestOf.getAsInt() > 1 && bestOf.getAsInt() != choices) {
            throw new Refusal(400, "invalid_request_error", "best_of", "unsupported", "'best_of' is not supported");
        }
    }

    /** False for an echo alone. */
    boolean continued() {
        return maxTokens.getFirst() > 0;
    }

    /** One request for each prompt. */
    List<Request> requests() {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            // An echo alone takes a step, too; what follows the prompt is left out of the answer.
            Request request = model.apply(sampling.request(prompts.get(i), Math.max(1, maxTokens.get(i))));
            requests.add(echo && logProbs.isPresent() ? request.promptLogProbs(0, logProbs.getAsInt()) : request);
        }
        return requests;
    }

    /** The text of a prompt, as far as it can be told. */
    String promptText(int prompt, Serving serving) {
        return switch (input) {
            case PromptInput.Texts texts -> texts.texts().get(prompt);
            case PromptInput.Tokens tokens -> serving.texts().text(prompts.get(prompt));
        };
    }
}
