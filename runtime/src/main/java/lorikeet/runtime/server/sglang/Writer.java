package lorikeet.runtime.server.sglang;

import java.util.List;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Choice;
import lorikeet.runtime.server.generation.TokenTexts;
import org.jspecify.annotations.Nullable;

/** Writes down texts, done or not, as SGLang does. */
final class Writer {
    private static final String WEIGHT_VERSION = "default";
    private static final double NANOS = 1e9;

    private final LogProbLists lists;

    Writer(GenerateCall asked, TokenTexts texts) {
        this.lists = new LogProbLists(texts, asked.textInLogProbs());
    }

    /** A text that is done. */
    Generated done(GenerateItem item, String id, Answer answer, Choice choice, @Nullable Integer index) {
        boolean continued = item.maxTokens() > 0;
        List<SampledToken> tokens = continued ? choice.tokens() : List.of();
        return new Generated(
                continued ? choice.text() : "",
                ids(tokens),
                new Generated.MetaInfo(
                        id,
                        continued ? Finish.of(choice, item.maxTokens()) : Finish.nothingAsked(),
                        item.prompt().size(),
                        WEIGHT_VERSION,
                        tokens.size(),
                        answer.usage().cachedTokens(),
                        answer.usage().total().toNanos() / NANOS,
                        answer.usage().queued().toNanos() / NANOS,
                        logProbs(item, answer.promptScores(), tokens)),
                index);
    }

    /** A text that still grows. Its prompt's log-probabilities come when it is done. */
    Generated growing(GenerateItem item, String id, String text, List<SampledToken> tokens, @Nullable Integer index) {
        return new Generated(
                text,
                ids(tokens),
                new Generated.MetaInfo(
                        id,
                        null,
                        item.prompt().size(),
                        WEIGHT_VERSION,
                        tokens.size(),
                        0,
                        null,
                        null,
                        logProbs(item, List.of(), tokens)),
                index);
    }

    private static List<Integer> ids(List<SampledToken> tokens) {
        return tokens.stream().map(SampledToken::id).toList();
    }

    private Generated.@Nullable LogProbs logProbs(
            GenerateItem item, List<SampledToken> scores, List<SampledToken> tokens) {
        if (!item.logProbs()) {
            return null;
        }
        boolean top = item.alternatives() > 0;
        return new Generated.LogProbs(
                lists.prompt(item.prompt(), item.scoredFrom(), scores),
                lists.tokens(tokens),
                tokens.size(),
                top ? lists.promptTop(item.prompt(), item.scoredFrom(), scores) : null,
                top ? lists.top(tokens) : null);
    }
}
