package lorikeet.runtime;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.engine.GroupSettings;
import lorikeet.runtime.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/** Turns what a request asks for into what the engine does, within the limits of the model and the options. */
final class RequestChecker {
    private final ModelConfig config;
    private final Set<Integer> endTokens;
    private final Options options;
    private final SplittableRandom seeds = new SplittableRandom();

    /**
     * Checks requests to a model.
     *
     * @param endTokens the model's own
     */
    RequestChecker(ModelConfig config, Set<Integer> endTokens, Options options) {
        this.config = config;
        this.endTokens = endTokens;
        this.options = options;
    }

    /**
     * The settings for a prompt of {@code length} tokens.
     *
     * @throws LorikeetException NO_ROOM if the model can't continue a prompt as long, INVALID_REQUEST
     */
    GroupSettings settings(Request request, int length, boolean wantsLogits) {
        int most = contextTokens();
        if (length >= most) {
            throw new LorikeetException(
                    ErrorCode.NO_ROOM,
                    "the prompt has " + length + " tokens, which leaves no room in the model's context of " + most);
        }
        if (request.minTokens() > request.maxTokens()) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST,
                    "at least " + request.minTokens() + " tokens are asked for, but at most " + request.maxTokens());
        }
        long seed = seed(request);
        SamplingSettings barring = request.sampling().withBias(bias(request));
        List<SamplingSettings> sampling = IntStream.range(0, request.choices())
                .mapToObj(choice -> barring.withSeed(seed + choice))
                .toList();
        return new GroupSettings(
                sampling,
                Math.min(request.maxTokens(), most - length),
                request.promptScores()
                        .map(scores -> new GroupSettings.Scoring(Math.max(1, scores.from()), scores.alternatives()))
                        .orElse(null),
                wantsLogits,
                nanos(request.queueLimit(), options.queueLimit()),
                nanos(request.timeLimit(), options.timeLimit()));
    }

    private LogitBias bias(Request request) {
        Set<Integer> ends = new HashSet<>(endTokens);
        ends.addAll(request.stopTokens());
        ends.removeIf(token -> token < 0 || token >= config.vocabulary());
        return request.sampling().bias().barring(ends, request.minTokens());
    }

    /**
     * The most tokens of a text. Where the rotary embedding is stretched, the configuration doesn't always count what that
     * adds, so there is no limit but the option.
     */
    int contextTokens() {
        if (options.contextTokens() > 0) {
            return options.contextTokens();
        }
        return switch (config.rope().variant()) {
            case "linear", "dynamic", "yarn" -> Integer.MAX_VALUE;
            default -> config.maxPositions();
        };
    }

    /** The seed in the settings counts unless it is the default. */
    private long seed(Request request) {
        if (request.seed().isPresent()) {
            return request.seed().getAsLong();
        }
        if (request.sampling().seed() != 0) {
            return request.sampling().seed();
        }
        synchronized (seeds) {
            return seeds.nextLong();
        }
    }

    private static long nanos(Optional<Duration> own, Optional<Duration> general) {
        @Nullable Duration limit = own.or(() -> general).orElse(null);
        return limit == null ? 0 : Math.max(1, limit.toNanos());
    }
}
