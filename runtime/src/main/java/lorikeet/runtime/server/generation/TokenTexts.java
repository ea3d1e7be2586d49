package lorikeet.runtime.server.generation;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import lorikeet.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** The texts of single tokens, as log-probabilities name them. */
public final class TokenTexts {
    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;

    /** Names a tokenizer's tokens. */
    public TokenTexts(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** The token's text, special tokens in full. */
    public String text(int id) {
        return tokenizer.decode(new int[] {id}, false);
    }

    /** The text of several tokens, without special ones. */
    public String text(List<Integer> ids) {
        return tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray(), true);
    }

    /** The UTF-8 bytes of a token's text, or null where the token is only a part of a character. */
    public static @Nullable List<Integer> bytes(String text) {
        if (text.indexOf(REPLACEMENT) >= 0) {
            return null;
        }
        List<Integer> values = new ArrayList<>();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            values.add(value & 0xFF);
        }
        return values;
    }
}
