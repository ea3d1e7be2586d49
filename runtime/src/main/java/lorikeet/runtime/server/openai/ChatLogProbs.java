package lorikeet.runtime.server.openai;

import java.util.List;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.server.generation.TokenTexts;
import org.jspecify.annotations.Nullable;

/** Log-probabilities as {@code /v1/chat/completions} gives them. */
record ChatLogProbs(List<Token> content) {
    /** A token of the answer; bytes are null where it is only a part of a character. */
    record Token(String token, float logprob, @Nullable List<Integer> bytes, List<Alternative> topLogprobs) {}

    /** A token that was likely in its place. */
    record Alternative(
            String token, float logprob, @Nullable List<Integer> bytes) {}

    static ChatLogProbs of(List<SampledToken> tokens, TokenTexts texts) {
        return new ChatLogProbs(
                tokens.stream().map(token -> token(token, texts)).toList());
    }

    private static Token token(SampledToken token, TokenTexts texts) {
        String text = texts.text(token.id());
        return new Token(
                text,
                token.logProb(),
                TokenTexts.bytes(text),
                token.alternatives().stream()
                        .map(other -> alternative(texts.text(other.id()), other.logProb()))
                        .toList());
    }

    private static Alternative alternative(String text, float logProb) {
        return new Alternative(text, logProb, TokenTexts.bytes(text));
    }
}
