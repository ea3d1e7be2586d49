package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lorikeet.runtime.LorikeetException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The folder whose adapters are on offer: what is in it, and what is not. */
@Timeout(60)
class AdapterCatalogTest {
    @TempDir
    private Path temp;

    private Path folder = Path.of("");

    @BeforeEach
    void makeFolders() throws IOException {
        temp = temp.toRealPath();
        folder = AdapterFiles.catalog(temp);
        Files.createDirectories(folder.resolve("empty"));
    }

    private static void adapter(Path at) {
        AdapterFiles.copy(AdapterFiles.QV_R4, at);
    }

    @Test
    void everyFolderWithAnAdapterIsOffered() throws IOException {
        AdapterCatalog catalog = new AdapterCatalog(folder);
        assertThat(catalog.names()).containsExactly("good");
        adapter(folder.resolve("later with spaces"));
        Files.createSymbolicLink(folder.resolve("alias"), folder.resolve("good"));
        assertThat(catalog.names()).containsExactly("alias", "good", "later with spaces");
        assertThat(catalog.find("alias")).contains(folder.resolve("good"));
        assertThat(catalog.find("later with spaces")).contains(folder.resolve("later with spaces"));
    }

    @Test
    void noNameLeadsOutside() throws IOException {
        Files.createSymbolicLink(folder.resolve("link"), temp.resolve("outside"));
        Files.createSymbolicLink(folder.resolve("self"), folder);
        Files.createSymbolicLink(folder.resolve("up"), temp);
        Files.createSymbolicLink(folder.resolve("loop"), folder.resolve("loop"));
        adapter(folder.resolve(".hidden"));
        adapter(folder.resolve("good/nested"));
        adapter(folder.resolve("leaky"));
        Files.delete(folder.resolve("leaky/adapter_model.safetensors"));
        Files.createSymbolicLink(
                folder.resolve("leaky/adapter_model.safetensors"), temp.resolve("outside/adapter_model.safetensors"));
        adapter(folder);
        AdapterCatalog catalog = new AdapterCatalog(folder);
        for (String name : List.of(
                "..",
                ".",
                "",
                "/",
                "../outside",
                "good/../../outside",
                "good/..",
                "./good",
                "good/",
                "good/.",
                "good/nested",
                "link",
                "self",
                "up",
                "up/outside",
                "loop",
                "leaky",
                ".hidden",
                "empty",
                "missing",
                "good\0",
                "\0",
                "..\\outside",
                "%2e%2e/outside",
                "a".repeat(5000),
                temp.resolve("outside").toString(),
                folder.resolve("good").toString())) {
            assertThat(catalog.find(name)).as(name).isEmpty();
        }
        assertThat(catalog.names()).containsExactly("good");
        assertThatThrownBy(() -> new AdapterCatalog(temp.resolve("missing"))).isInstanceOf(LorikeetException.class);
    }
}
