package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A file that is cut short while it is mapped is an error that names it, not a crash of the JVM. */
class TruncationTest {
    private static final Request REQUEST =
            Request.tokens(List.of(76, 5)).maxTokens(200).ignoreEnd(true);

    @TempDir
    private Path folder;

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    private static void truncate(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(8192);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void assertNamed(Throwable error, Path file) {
        assertThat(error).isInstanceOf(LorikeetException.class).hasMessageContaining(file.toString());
        assertThat(((LorikeetException) error).code()).isEqualTo(ErrorCode.INVALID_FILE);
    }

    @Test
    void aCheckpointCutShortBetweenGenerations() throws IOException {
        copy(Golden.set("llama").resolve("model"), folder.resolve("model"));
        Path file = folder.resolve("model/model.safetensors");
        try (Lorikeet model = Lorikeet.open(folder.resolve("model"))) {
            model.generate(REQUEST);
            truncate(file);
            assertThatThrownBy(() -> model.generate(REQUEST)).satisfies(error -> assertNamed(error, file));
        }
    }

    @Test
    void anAdapterCutShortHurtsOnlyItsOwnRequests() throws IOException {
        copy(Golden.set("llama").resolve("adapters/rs-r16"), folder.resolve("adapter"));
        Path file = folder.resolve("adapter/adapter_model.safetensors");
        try (Lorikeet model = Lorikeet.open(Golden.set("llama").resolve("model"))) {
            Adapter adapter = model.load("a", folder.resolve("adapter"));
            List<Choice> before = model.generate(REQUEST).choices();
            truncate(file);
            assertThatThrownBy(() -> model.generate(REQUEST.adapter(adapter)))
                    .satisfies(error -> assertNamed(error, file));
            assertThat(model.generate(REQUEST).choices()).isEqualTo(before);
            adapter.close();
            assertThat(model.generate(REQUEST).choices()).isEqualTo(before);
        }
    }

    /** The adapter holds a copy of the model's table, which loading compares with the model's. */
    @Test
    void aCheckpointCutShortBeforeAnAdapterIsComparedWithIt() throws IOException {
        Path set = Golden.set("llama-linear-v4");
        copy(set.resolve("model"), folder.resolve("model"));
        Path file = folder.resolve("model/model.safetensors");
        try (Lorikeet model = Lorikeet.open(folder.resolve("model"))) {
            truncate(file);
            assertThatThrownBy(() -> model.load("a", set.resolve("adapters/embed-head-tied")))
                    .satisfies(error -> assertNamed(error, file));
        }
    }

    @ParameterizedTest
    @CsvSource({"model, listener", "adapter, listener", "model, beside", "adapter, beside"})
    @EnabledOnOs(OS.LINUX)
    void cutShortInTheMiddleOfManyGenerations(String victim, String from) throws Exception {
        int rounds = 40;
        long seed = System.nanoTime();
        String text = SeparateJvm.run(
                folder.resolve("output"),
                TruncatedGenerations.class,
                seed,
                Golden.set("llama").resolve("model").toString(),
                Golden.set("llama").resolve("adapters/rs-r16").toString(),
                folder.resolve("copies").toString(),
                victim,
                from,
                String.valueOf(rounds));
        assertThat(text)
                .as("seed %d", seed)
                .containsPattern(
                        switch (victim + " " + from) {
                            case "model listener" -> "refused " + rounds + " of " + rounds;
                            case "model beside" -> "refused [1-9]\\d* of " + rounds;
                            // By the first token the adapter's weights have been copied.
                            case "adapter listener" -> "refused 0 of " + rounds;
                            default -> "refused \\d+ of " + rounds;
                        });
    }

    /** One adapter has a copy of the model's table, which is compared; the other one's norms are computed from both. */
    @ParameterizedTest
    @CsvSource({
        "llama-linear-v4, embed-head-tied, model/model.safetensors",
        "llama-linear-v4, embed-head-tied, adapter/adapter_model.safetensors",
        "qwen3, dora-r8, model/model.safetensors",
        "qwen3, dora-r8, adapter/adapter_model.safetensors",
    })
    @EnabledOnOs(OS.LINUX)
    void cutShortInTheMiddleOfManyLoads(String set, String adapter, String victim) throws Exception {
        int rounds = 150;
        long seed = System.nanoTime();
        copy(Golden.set(set).resolve("model"), folder.resolve("model"));
        copy(Golden.set(set).resolve("adapters").resolve(adapter), folder.resolve("adapter"));
        String text = SeparateJvm.run(
                folder.resolve("output"),
                TruncatedLoads.class,
                seed,
                folder.resolve("model").toString(),
                folder.resolve("adapter").toString(),
                folder.resolve(victim).toString(),
                String.valueOf(rounds));
        assertThat(text).as("seed %d", seed).containsPattern("refused \\d+ of " + rounds);
    }
}
