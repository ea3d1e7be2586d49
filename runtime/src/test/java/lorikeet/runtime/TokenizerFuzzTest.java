package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A tokenizer's file that somebody broke gives a tokenizer or an error that names it, and never ends the process. */
class TokenizerFuzzTest {
    private static final Path MODEL = Path.of("demo", "model");
    private static final int ROUNDS = 400;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "demo/model, tokenizer.json",
        "src/test/resources/tokenizers/unigram, tokenizer.json",
        "src/test/resources/golden/mistral-v4/model, tokenizer_config.json",
    })
    void brokenFiles(Path source, String name) throws Exception {
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Path victim = folder.resolve(name);
        Files.copy(source.resolve(name), victim, StandardCopyOption.REPLACE_EXISTING);
        long seed = System.nanoTime();
        String text;
        try {
            text = SeparateJvm.run(
                    folder.resolve("output"), MutatedTokenizers.class, seed, victim.toString(), String.valueOf(ROUNDS));
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + ", the file was " + start(victim), e);
        }
        assertThat(text).as("seed %d", seed).containsPattern("took [1-9]\\d* and refused [1-9]\\d*");
    }

    private static String start(Path file) throws IOException {
        String text = Files.readString(file);
        return text.substring(0, Math.min(text.length(), 4000));
    }
}
