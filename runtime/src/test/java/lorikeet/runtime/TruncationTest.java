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
import org.junit.jupiter.api.io.TempDir;

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
        assertThat(error).hasMessageContaining("tensor");
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
            Answer before = model.generate(REQUEST);
            truncate(file);
            assertThatThrownBy(() -> model.generate(REQUEST.adapter(adapter)))
                    .satisfies(error -> assertNamed(error, file));
            assertThat(model.generate(REQUEST)).isEqualTo(before);
            adapter.close();
            assertThat(model.generate(REQUEST)).isEqualTo(before);
        }
    }
}
