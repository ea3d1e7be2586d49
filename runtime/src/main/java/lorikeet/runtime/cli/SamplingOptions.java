package lorikeet.runtime.cli;

import java.util.List;
import java.util.Set;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How tokens are chosen and where a text ends. What isn't given is as the model's makers recommend. */
final class SamplingOptions {
    @Option(
            names = {"-m", "--max-tokens"},
            paramLabel = "N",
            defaultValue = "256",
            description = "End after N tokens (default: ${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(
            names = "-n",
            paramLabel = "N",
            defaultValue = "1",
            description = "Give N answers (default: ${DEFAULT-VALUE}).")
    private int choices;

    @Option(
            names = {"-t", "--temperature"},
            paramLabel = "T",
            description = "0 always takes the most likely token; 1 draws by the model's probabilities.")
    private @Nullable Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K most likely tokens; 0 for all.")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw from the most likely tokens that together have probability P.")
    private @Nullable Float topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Draw from tokens at least P times as likely as the most likely one.")
    private @Nullable Float minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "R",
            description = "Make tokens of the prompt and the answer less likely; 1 for none.")
    private @Nullable Float repetition;

    @Option(
            names = "--presence-penalty",
            paramLabel = "P",
            defaultValue = "0",
            description = "Subtract P from the logits of tokens that the answer has.")
    private float presence;

    @Option(
            names = "--frequency-penalty",
            paramLabel = "F",
            defaultValue = "0",
            description = "Subtract F from a token's logit for each time that the answer has it.")
    private float frequency;

    @Option(names = "--seed", paramLabel = "SEED", description = "The same seed gives the same answer.")
    private @Nullable Long seed;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End before this text. May be repeated.")
    private List<String> stop = List.of();

    @Option(names = "--stop-token", paramLabel = "ID", description = "End at this token. May be repeated.")
    private Set<Integer> stopTokens = Set.of();

    @Option(names = "--ignore-end", description = "Go on past the model's end tokens.")
    private boolean ignoreEnd;

    @Option(
            names = "--logprobs",
            paramLabel = "K",
            description = "Print each token's log-probability with the K most likely alternatives.")
    private @Nullable Integer logProbs;

    SamplingOptions() {}

    boolean wantsLogProbs() {
        return logProbs != null;
    }

    int choices() {
        return choices;
    }

    Request apply(Request request, Lorikeet model) {
        Request changed = request.sampling(settings(model.recommendedSampling()))
                .maxTokens(maxTokens)
                .choices(choices)
                .stop(stop.toArray(String[]::new))
                .stopTokens(stopTokens)
                .ignoreEnd(ignoreEnd);
        return seed == null ? changed : changed.seed(seed);
    }

    private SamplingSettings settings(SamplingSettings recommended) {
        try {
            return changed(recommended);
        } catch (IllegalArgumentException e) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, String.valueOf(e.getMessage()), e);
        }
    }

    private SamplingSettings changed(SamplingSettings recommended) {
        SamplingSettings settings = recommended;
        if (temperature != null) {
            settings = settings.withTemperature(temperature);
        }
        if (topK != null) {
            settings = settings.withTopK(topK);
        }
        if (topP != null) {
            settings = settings.withTopP(topP);
        }
        if (minP != null) {
            settings = settings.withMinP(minP);
        }
        settings = settings.withPenalties(
                repetition != null ? repetition : settings.repetitionPenalty(), presence, frequency);
        if (logProbs != null) {
            settings = settings.withLogProbs(logProbs);
        }
        return settings;
    }
}
