package lorikeet.runtime.server.sglang;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.server.generation.TokenTexts;
import org.jspecify.annotations.Nullable;

/**
 * Log-probabilities in SGLang's form: for each token a list of log-probability, id, and text or null; for its alternatives
 * a list of such lists.
 */
final class LogProbLists {
    private final TokenTexts texts;
    private final boolean withText;

    LogProbLists(TokenTexts texts, boolean withText) {
        this.texts = texts;
        this.withText = withText;
    }

    private List<@Nullable Object> entry(@Nullable Float logProb, int id) {
        return Arrays.asList(logProb, id, withText ? texts.text(id) : null);
    }

    /** One entry a token. */
    List<List<@Nullable Object>> tokens(List<SampledToken> tokens) {
        return tokens.stream().map(token -> entry(token.logProb(), token.id())).toList();
    }

    /** The alternatives of each token. */
    List<@Nullable List<List<@Nullable Object>>> top(List<SampledToken> tokens) {
        List<@Nullable List<List<@Nullable Object>>> lists = new ArrayList<>();
        for (SampledToken token : tokens) {
            lists.add(token.alternatives().stream()
                    .map(other -> entry(other.logProb(), other.id()))
                    .toList());
        }
        return lists;
    }

    /** The tokens of a prompt from the one at {@code start} on, which has no log-probability. */
    List<List<@Nullable Object>> prompt(List<Integer> prompt, int start, List<SampledToken> scores) {
        List<List<@Nullable Object>> list = new ArrayList<>();
        if (start < prompt.size()) {
            list.add(entry(null, prompt.get(start)));
            list.addAll(tokens(scores));
        }
        return list;
    }

    /** The alternatives to them. */
    List<@Nullable List<List<@Nullable Object>>> promptTop(List<Integer> prompt, int start, List<SampledToken> scores) {
        List<@Nullable List<List<@Nullable Object>>> list = new ArrayList<>();
        if (start < prompt.size()) {
            list.add(null);
            list.addAll(top(scores));
        }
        return list;
    }
}
