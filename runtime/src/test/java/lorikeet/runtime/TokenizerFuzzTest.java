package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tokenizer.json that somebody broke gives a tokenizer or an error that names it, and never ends the process. */
class TokenizerFuzzTest {
    private static final Path MODEL = Path.of("demo", "model");
    private static final int ROUNDS = 400;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"demo/model", "src/test/resources/tokenizers/unigram"})
    void brokenFiles(String source) throws Exception {
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.copy(
                Path.of(source).resolve("tokenizer.json"),
                folder.resolve("tokenizer.json"),
                StandardCopyOption.REPLACE_EXISTING);
        long seed = System.nanoTime();
        String text;
        try {
            text = SeparateJvm.run(
                    folder.resolve("output"), MutatedTokenizers.class, seed, folder.toString(), String.valueOf(ROUNDS));
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + ", the file was " + file(), e);
        }
        assertThat(text).as("seed %d", seed).containsPattern("took [1-9]\\d* and refused [1-9]\\d*");
    }

    private String file() throws IOException {
        String text = Files.readString(folder.resolve("tokenizer.json"));
        return text.substring(0, Math.min(text.length(), 4000));
    }
}
