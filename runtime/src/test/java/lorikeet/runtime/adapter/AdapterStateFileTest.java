package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import lorikeet.runtime.adapter.AdapterStateFile.Entry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AdapterStateFileTest {
    private static final List<Entry> OLD = List.of(new Entry("a", Path.of("/adapters/a"), false));
    private static final List<Entry> NEW = List.of(
            new Entry("a", Path.of("/adapters/a"), true),
            new Entry("b \"quoted\" \u00fc", Path.of("/adapters/b c"), false));

    @TempDir
    private Path folder;

    private AdapterStateFile state() {
        return new AdapterStateFile(folder.resolve("state.json"));
    }

    private List<String> filesThere() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        assertThat(state().read()).isEmpty();
        AdapterStateFile file = state();
        file.write(OLD);
        assertThat(state().read()).isEqualTo(OLD);
        file.write(NEW);
        assertThat(state().read()).isEqualTo(NEW);
        file.write(List.of());
        assertThat(state().read()).isEmpty();
        assertThat(filesThere()).containsExactly("state.json");
    }

    @Test
    void aTornWriteLosesNothing() throws IOException {
        state().write(NEW);
        byte[] whole = Files.readAllBytes(folder.resolve("state.json"));
        state().write(OLD);
        for (int length = 0; length <= whole.length; length++) {
            Files.write(folder.resolve("state.json.new"), Arrays.copyOf(whole, length));
            AdapterStateFile file = state();
            assertThat(file.read()).isEqualTo(OLD);
            file.write(NEW);
            assertThat(state().read()).isEqualTo(NEW);
            file.write(OLD);
        }
    }

    @Test
    void aFileThatIsNotAStateIsNeitherReadNorOverwritten() throws IOException {
        for (String text : List.of("", "{", "[]", "{}", "{\"adapters\": 1}", "{\"adapters\": [{\"name\": \"a\"}]}")) {
            Files.writeString(folder.resolve("state.json"), text);
            assertThatThrownBy(() -> state().read())
                    .as(text)
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILE))
                    .hasMessageContaining("state.json");
            assertThat(Files.readString(folder.resolve("state.json"))).isEqualTo(text);
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "/dev/full is a full disk")
    void aFullDiskFailsTheCallAndKeepsTheOldState() throws IOException {
        AdapterStateFile file = state();
        file.write(OLD);
        Files.createSymbolicLink(folder.resolve("state.json.new"), Path.of("/dev/full"));
        assertThatThrownBy(() -> file.write(NEW))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NO_ROOM))
                .hasMessageContaining("state.json")
                .hasMessageContaining("No space left");
        assertThat(state().read()).isEqualTo(OLD);
        file.write(NEW);
        assertThat(state().read()).isEqualTo(NEW);
    }

    @Test
    void aFolderThatIsGoneFailsTheCall() {
        AdapterStateFile file = new AdapterStateFile(folder.resolve("gone/state.json"));
        assertThatThrownBy(() -> file.write(OLD))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILE));
    }

    @Test
    void aRegistryRemembersWhatWasLoadedByCalls() {
        AdapterStateFile file = state();
        Entry lost = new Entry("lost", Path.of("/adapters/lost"), true);
        file.keep(lost);
        try (AdapterFiles files = new AdapterFiles();
                AdapterRegistry registry =
                        new AdapterRegistry(AdapterLimits.NONE, files::load, AdapterVersion::close, file)) {
            registry.load("a", AdapterFiles.ALL_R8, LoadSettings.DEFAULT);
            registry.load("by flag", AdapterFiles.ALL_R8, new LoadSettings(false, false, false));
            registry.load("b", AdapterFiles.QV_R4, new LoadSettings(true, false));
            Entry a = new Entry("a", AdapterFiles.ALL_R8.toAbsolutePath(), false);
            Entry b = new Entry("b", AdapterFiles.QV_R4.toAbsolutePath(), true);
            assertThat(state().read()).containsExactlyInAnyOrder(lost, a, b);
            registry.load("lost", AdapterFiles.QV_R4, LoadSettings.DEFAULT);
            registry.unload("lost", Unload.AND_WAIT);
            registry.pin("b", false);
            registry.unload("a", Unload.AND_WAIT);
            assertThat(state().read()).containsExactly(new Entry("b", AdapterFiles.QV_R4.toAbsolutePath(), false));
        }
        assertThat(state().read()).as("closing forgets nothing").hasSize(1);
    }
}
