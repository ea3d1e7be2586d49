package lorikeet.runtime;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import lorikeet.runtime.text.DecodeStream;
import lorikeet.runtime.text.Tokenizer;
import lorikeet.runtime.text.TokenizerException;
import lorikeet.runtime.text.TokenizerMutations;

/**
 * A program that opens a model one of whose tokenizer's files is broken in another way each time. Prints how many it took and how
 * many it refused; a JVM that crashes prints no last line and leaves the file behind.
 */
final class MutatedTokenizers {
    private static final String TEXT = "The 3rd of \"caf\u00e9\"\n\t= <|end|> \ud83e\udd9c  a1";

    private MutatedTokenizers() {}

    /** The arguments: the file to break, in a copy of a model; the number of rounds; and a seed. */
    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        Path model = Objects.requireNonNull(file.getParent());
        int rounds = Integer.parseInt(args[1]);
        long seed = Long.parseLong(args[2]);
        String sound = Files.readString(file);
        TokenizerMutations mutations = new TokenizerMutations(seed);
        int refused = 0;
        for (int round = 0; round < rounds; round++) {
            Files.write(file, mutations.broken(sound).getBytes(StandardCharsets.UTF_8));
            try (Lorikeet opened = Lorikeet.open(model, Options.DEFAULT.threads(1))) {
                use(opened.tokenizer());
            } catch (LorikeetException e) {
                if (e.code() != ErrorCode.INVALID_FILE
                        || !String.valueOf(e.getMessage()).contains(file.toString())) {
                    throw new AssertionError("round " + round + " ended with " + e.code(), e);
                }
                refused++;
            }
        }
        System.out.println("took " + (rounds - refused) + " and refused " + refused);
    }

    /** A tokenizer that was taken may still be of no use for a text; then it says so. */
    private static void use(Tokenizer tokenizer) {
        try {
            int[] ids = tokenizer.encode(TEXT, true);
            tokenizer.decode(ids, true);
            DecodeStream stream = tokenizer.decodeStream(false);
            for (int id : ids) {
                stream.push(id);
            }
            stream.finish();
        } catch (TokenizerException e) {
            // Said so.
        }
    }
}
