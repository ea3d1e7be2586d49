package lorikeet.runtime.text;

import java.util.List;

/** Transformers' {@code clean_up_tokenization}: takes out the spaces that word-based models put before punctuation. */
final class SpaceCleanUp {
    /** In order; each is replaced by itself without the spaces. */
    private static final List<String> PATTERNS =
            List.of(" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're");

    private SpaceCleanUp() {}

    static String apply(String text) {
        String clean = text;
        for (String pattern : PATTERNS) {
            clean = clean.replace(pattern, pattern.strip());
        }
        return clean;
    }
}
