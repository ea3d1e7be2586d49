package lorikeet.runtime.server.generation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.Request;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;

/**
 * How a call wants its tokens to be chosen and its texts to end.
 *
 * @param settings temperature and the like
 * @param seed of the draws, if they are to be repeatable
 * @param minTokens so many come before a token that ends a text
 * @param choices continuations of each prompt
 * @param stop strings that end a text
 * @param stopTokens tokens that end a text, beside the model's own
 * @param keepStop the stop string, or the token at the end, stays in the text
 * @param keepSpecial special tokens stay in the text
 * @param ignoreEnd the model's own end tokens don't end a text
 */
public record Sampling(
        SamplingSettings settings,
        OptionalLong seed,
        int minTokens,
        int choices,
        List<String> stop,
        Set<Integer> stopTokens,
        boolean keepStop,
        boolean keepSpecial,
        boolean ignoreEnd) {
    private static final int MOST_STOPS = 16;
    private static final int LONGEST_STOP = 1024;
    private static final float HOTTEST = 100;
    private static final float STRONGEST = 2;
    private static final int MOST_BIASES = 1024;
    private static final float STRONGEST_BIAS = 100;

    /** The names under which APIs know the fields that differ. */
    public enum Dialect {
        /** {@code seed}, and vLLM's {@code include_stop_str_in_output} and {@code min_tokens}. */
        OPENAI("seed", "include_stop_str_in_output", "min_tokens"),
        /** {@code sampling_seed}, {@code no_stop_trim} and {@code min_new_tokens}. */
        SGLANG("sampling_seed", "no_stop_trim", "min_new_tokens");

        private final String seed;
        private final String keepStop;
        private final String minTokens;

        Dialect(String seed, String keepStop, String minTokens) {
            this.seed = seed;
            this.keepStop = keepStop;
            this.minTokens = minTokens;
        }
    }

    /**
     * Reads the fields that all APIs have, and those that SGLang and vLLM added to OpenAI's.
     *
     * @param recommended by the model's makers. Where they recommend the likeliest token, or nothing, the APIs' own
     *     default counts: to draw from all tokens at temperature 1
     */
    public static Sampling read(JsonBody body, Dialect dialect, SamplingSettings recommended, RequestLimits limits) {
        SamplingSettings base = recommended.temperature() == 0 ? recommended.withTemperature(1) : recommended;
        SamplingSettings settings = base.withTemperature(body.number("temperature", 0, HOTTEST, base.temperature()))
                .withTopP(topP(body, base.topP()))
                .withTopK(topK(body, base.topK()))
                .withMinP(body.number("min_p", 0, 1, base.minP()))
                .withPenalties(
                        repetition(body, base.repetitionPenalty()),
                        body.number("presence_penalty", -STRONGEST, STRONGEST, 0),
                        body.number("frequency_penalty", -STRONGEST, STRONGEST, 0))
                .withBias(bias(body, limits.vocabulary()));
        return new Sampling(
                settings,
                body.wide(dialect.seed),
                body.integer(dialect.minTokens, 0, limits.contextTokens()).orElse(0),
                body.integer("n", 1, limits.choices()).orElse(1),
                stop(body),
                Set.copyOf(body.tokens("stop_token_ids")),
                body.flag(dialect.keepStop, false),
                !body.flag("skip_special_tokens", true),
                body.flag("ignore_eos", false));
    }

    private static float topP(JsonBody body, float otherwise) {
        float value = body.number("top_p", 0, 1, otherwise);
        return value == 0 ? Float.MIN_NORMAL : value; // none but the likeliest
    }

    private static int topK(JsonBody body, int otherwise) {
        OptionalInt value = body.integer("top_k", -1, Integer.MAX_VALUE);
        return value.isPresent() ? Math.max(0, value.getAsInt()) : otherwise;
    }

    private static float repetition(JsonBody body, float otherwise) {
        return body.number("repetition_penalty", Float.MIN_NORMAL, STRONGEST, otherwise);
    }

    /** Token ids, as texts because JSON has no other keys, with what is added to their logits. */
    private static LogitBias bias(JsonBody body, int vocabulary) {
        Map<Integer, Float> values = new LinkedHashMap<>();
        JsonBody biases = body.object("logit_bias").orElseGet(body::empty);
        for (String key : biases.names()) {
            OptionalInt token = token(key, vocabulary);
            if (token.isEmpty() || values.size() == MOST_BIASES) {
                throw Refusal.invalid(
                        body.name("logit_bias"),
                        "'" + body.name("logit_bias") + "' names at most " + MOST_BIASES + " tokens, from 0 to "
                                + (vocabulary - 1));
            }
            values.put(token.getAsInt(), biases.number(key, -STRONGEST_BIAS, STRONGEST_BIAS, 0));
        }
        return LogitBias.of(values);
    }

    private static OptionalInt token(String key, int vocabulary) {
        try {
            int token = Integer.parseInt(key);
            return token >= 0 && token < vocabulary ? OptionalInt.of(token) : OptionalInt.empty();
        } catch (NumberFormatException e) {
            return OptionalInt.empty();
        }
    }

    private static List<String> stop(JsonBody body) {
        List<String> stop = body.texts("stop");
        if (stop.size() > MOST_STOPS
                || stop.stream().anyMatch(text -> text.isEmpty() || text.length() > LONGEST_STOP)) {
            throw body.wrong(
                    "stop",
                    Objects.requireNonNull(body.value("stop")),
                    "at most " + MOST_STOPS + " strings of 1 to " + LONGEST_STOP + " characters");
        }
        return stop;
    }

    /** The same, with log-probabilities and so many alternatives; -1 for none at all. */
    public Sampling withLogProbs(int alternatives) {
        return new Sampling(
                settings.withLogProbs(alternatives),
                seed,
                minTokens,
                choices,
                stop,
                stopTokens,
                keepStop,
                keepSpecial,
                ignoreEnd);
    }

    /** The request for a prompt of tokens. */
    public Request request(List<Integer> prompt, int maxTokens) {
        Request request = Request.tokens(prompt)
                .maxTokens(maxTokens)
                .minTokens(minTokens)
                .sampling(settings)
                .choices(choices)
                .stop(stop.toArray(String[]::new))
                .stopTokens(stopTokens)
                .keepStop(keepStop)
                .keepSpecial(keepSpecial)
                .ignoreEnd(ignoreEnd);
        return seed.isPresent() ? request.seed(seed.getAsLong()) : request;
    }
}
