package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
    @TempDir
    Path folder;

    /** In one test, since what a class loader has loaded stays loaded. */
    @Test
    void generatedCodeSeesTheFileThatWasFoundAndNoOther() throws Exception {
        FoundLibrary first = found("first.so");
        FoundLibrary second = found("second.so");
        assertThat(first.symbolAddress()).isNotEqualTo(second.symbolAddress());

        NativeLibraries.load(first);
        // The generated classes look their symbols up in this way, from the same class loader.
        assertThat(SymbolLookup.loaderLookup().find("cos"))
                .hasValueSatisfying(cos -> assertThat(cos.address()).isEqualTo(first.symbolAddress()));

        NativeLibraries.load(first);
        assertThatThrownBy(() -> NativeLibraries.load(second))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Can't use " + second.file() + ": this process already uses another Test library");
        NativeLibraries.load(first);
    }

    @Test
    void aFileThatWentAwayIsNamed() {
        FoundLibrary gone = new FoundLibrary(
                new NativeLibrary("Gone library", List.of("gone.so"), "noSuchFunction", "gone", "", List.of()),
                folder.resolve("gone.so"),
                "a test",
                1);
        assertThatThrownBy(() -> NativeLibraries.load(gone))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(gone.file().toString());
    }

    private FoundLibrary found(String name) throws Exception {
        Path file = SystemLibrary.copyTo(folder.resolve(name));
        return SystemLibrary.given(file).find(SystemLibrary.named(name, List.of()));
    }
}
