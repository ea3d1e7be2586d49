package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryFilesTest {
    @TempDir
    Path folder;

    private NativeLibraryFiles files(Map<String, String> properties, Map<String, String> environment) {
        return new NativeLibraryFiles(
                name -> properties.getOrDefault(name, name.startsWith("lorikeet") ? null : System.getProperty(name)),
                environment::get);
    }

    @Test
    void takesTheFileItIsGiven() throws IOException {
        Path library = Files.createFile(folder.resolve("libtokenizers.so"));
        assertThat(files(Map.of("lorikeet.tokenizers.library", library.toString()), Map.of())
                        .find())
                .containsExactly(library);
        assertThat(files(Map.of(), Map.of("LORIKEET_TOKENIZERS_LIBRARY", library.toString()))
                        .find())
                .containsExactly(library);
        assertThatThrownBy(() -> files(
                                Map.of(
                                        "lorikeet.tokenizers.library",
                                        folder.resolve("none").toString()),
                                Map.of())
                        .find())
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(folder.resolve("none").toString());
    }

    @Test
    void unpacksOnceAndAgainAfterDamage() throws IOException {
        NativeLibraryFiles files = files(Map.of(), Map.of("LORIKEET_CACHE", folder.toString()));
        List<Path> first = files.find();
        assertThat(first).isNotEmpty().allMatch(file -> file.startsWith(folder));
        Path library = first.getLast();
        long size = Files.size(library);
        assertThat(size).isGreaterThan(1_000_000);
        var written = Files.getLastModifiedTime(library);
        assertThat(files.find()).isEqualTo(first);
        assertThat(Files.getLastModifiedTime(library)).isEqualTo(written);
        Files.write(library, new byte[10]);
        files.find();
        assertThat(Files.size(library)).isEqualTo(size);
        try (var left = Files.list(library.getParent())) {
            assertThat(left).containsExactlyInAnyOrderElementsOf(first);
        }
    }

    @Test
    void fallsBackToTemporaryFilesWhereTheCacheIsNoFolder() throws IOException {
        Path blocked = Files.createFile(folder.resolve("file"));
        List<Path> found =
                files(Map.of("lorikeet.cache", blocked.toString()), Map.of()).find();
        assertThat(found).isNotEmpty().allMatch(Files::isRegularFile).noneMatch(file -> file.startsWith(folder));
    }

    @Test
    void saysWhichPlatformsAreBundled() {
        assertThatThrownBy(() -> files(Map.of("os.name", "Plan 9", "os.arch", "mips"), Map.of())
                        .find())
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("plan 9-mips")
                .hasMessageContaining("linux-x86_64");
    }
}
