package lorikeet.runtime.server.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.server.generation.TokenTexts;
import org.jspecify.annotations.Nullable;

/**
 * Log-probabilities as {@code /v1/completions} gives them: parallel lists with an element for each token. A first token
 * of an echoed prompt has none.
 */
record CompletionLogProbs(
        List<String> tokens,
        List<@Nullable Float> tokenLogprobs,
        List<@Nullable Map<String, Float>> topLogprobs,
        List<Integer> textOffset) {

    /** Collects tokens of one text. */
    static final class Builder {
        private final TokenTexts texts;
        private int offset;
        private CompletionLogProbs lists = empty();

        Builder(TokenTexts texts) {
            this.texts = texts;
        }

        private static CompletionLogProbs empty() {
            return new CompletionLogProbs(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }

        /** Adds a token that has no probability. */
        void addBare(int id) {
            add(id, null, null);
        }

        void add(SampledToken token) {
            Map<String, Float> top = new LinkedHashMap<>();
            token.alternatives().forEach(other -> top.putIfAbsent(texts.text(other.id()), other.logProb()));
            top.putIfAbsent(texts.text(token.id()), token.logProb());
            add(token.id(), token.logProb(), top);
        }

        private void add(int id, @Nullable Float logProb, @Nullable Map<String, Float> top) {
            String text = texts.text(id);
            lists.tokens.add(text);
            lists.tokenLogprobs.add(logProb);
            lists.topLogprobs.add(top);
            lists.textOffset.add(offset);
            offset += text.length();
        }

        /** What was added since the last call; the offsets go on. */
        CompletionLogProbs take() {
            CompletionLogProbs taken = lists;
            lists = empty();
            return taken;
        }
    }
}
