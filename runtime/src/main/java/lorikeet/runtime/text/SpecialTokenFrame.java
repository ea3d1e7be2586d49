package lorikeet.runtime.text;

import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What encoding with special tokens puts around a text.
 *
 * <p>tokenizer.json has a post-processor for that, but {@code add_bos_token} and {@code add_eos_token} in
 * tokenizer_config.json overrule it: Transformers then builds a new one.
 */
sealed interface SpecialTokenFrame {
    /** Encodes with or without the special tokens of tokenizer.json. */
    @FunctionalInterface
    interface Encoder {
        int[] ids(String text, boolean addSpecialTokens);
    }

    int[] encode(String text, Encoder encoder);

    static SpecialTokenFrame of(TokenizerConfig config, Vocabulary vocabulary, Encoder encoder) {
        if (config.addBos().isEmpty() && config.addEos().isEmpty()) {
            return new AsInFile();
        }
        int[] bare = encoder.ids("a", false);
        int[] framed = encoder.ids("a", true);
        Integer bos = id(config, vocabulary, "bos_token");
        Integer eos = id(config, vocabulary, "eos_token");
        boolean startsWithBos = bos != null && framed.length > bare.length && framed[0] == bos;
        boolean endsWithEos = eos != null && framed.length > bare.length && framed[framed.length - 1] == eos;
        Explicit explicit =
                new Explicit(tokens(config.addBos(), startsWithBos, bos), tokens(config.addEos(), endsWithEos, eos));
        return Arrays.equals(framed, explicit.around(bare)) ? new AsInFile() : explicit;
    }

    private static int[] tokens(Optional<Boolean> wanted, boolean inFile, @Nullable Integer id) {
        return id != null && wanted.orElse(inFile) ? new int[] {id} : new int[0];
    }

    private static @Nullable Integer id(TokenizerConfig config, Vocabulary vocabulary, String name) {
        String token = config.specialTokens().get(name);
        return token == null ? null : vocabulary.id(token);
    }

    /** Left to the post-processor. */
    record AsInFile() implements SpecialTokenFrame {
        @Override
        public int[] encode(String text, Encoder encoder) {
            return encoder.ids(text, true);
        }
    }

    /** These ids before and after the text. */
    @SuppressWarnings("ArrayRecordComponent")
    record Explicit(int[] before, int[] after) implements SpecialTokenFrame {
        @Override
        public int[] encode(String text, Encoder encoder) {
            return around(encoder.ids(text, false));
        }

        int[] around(int[] ids) {
            int[] all = Arrays.copyOf(before, before.length + ids.length + after.length);
            System.arraycopy(ids, 0, all, before.length, ids.length);
            System.arraycopy(after, 0, all, before.length + ids.length, after.length);
            return all;
        }
    }
}
