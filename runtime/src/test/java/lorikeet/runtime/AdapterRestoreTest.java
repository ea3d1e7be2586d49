package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a model has again after it was closed and opened. */
class AdapterRestoreTest {
    private static final Path ADAPTERS = Golden.set("llama").resolve("adapters");

    @TempDir
    private Path temp;

    private Lorikeet open() {
        Options options =
                TestDevice.OPTIONS.threads(1).running(2).stepTokens(16).stateFile(temp.resolve("state.json"));
        return Lorikeet.open(AdapterVariants.MODEL, options);
    }

    private static boolean isPinned(Lorikeet model, String name) {
        return model.adapter(name).orElseThrow().pinned();
    }

    @Test
    void whatCallsLoadedIsThereAgain() throws IOException {
        Path moved = temp.resolve("moved");
        Files.createDirectories(moved);
        for (String file : new String[] {"adapter_config.json", "adapter_model.safetensors"}) {
            Files.copy(ADAPTERS.resolve("qv-r4-f32").resolve(file), moved.resolve(file));
        }
        Answer before;
        try (Lorikeet model = open()) {
            model.load("a", ADAPTERS.resolve("all-r8"));
            model.load("pinned", ADAPTERS.resolve("rs-r16"), new LoadSettings(true, false));
            model.load("by flag", ADAPTERS.resolve("rs-r16"), new LoadSettings(false, false, false));
            model.load("gone", ADAPTERS.resolve("rs-r16"));
            model.load("lost", moved);
            model.unload("gone", Unload.AND_WAIT);
            before = model.generate(AdapterVariants.request().adapter("a"));
        }
        Files.delete(moved.resolve("adapter_config.json"));
        try (Lorikeet model = open()) {
            assertThat(model.adapters()).extracting(Adapter::name).containsExactlyInAnyOrder("a", "pinned");
            assertThat(isPinned(model, "a")).isFalse();
            assertThat(isPinned(model, "pinned")).isTrue();
            assertThat(model.generate(AdapterVariants.request().adapter("a")).choices())
                    .isEqualTo(before.choices());
            model.unload("a", Unload.AND_WAIT);
        }
        Files.copy(ADAPTERS.resolve("qv-r4-f32/adapter_config.json"), moved.resolve("adapter_config.json"));
        try (Lorikeet model = open()) {
            assertThat(model.adapters())
                    .as("what could not be loaded was not forgotten")
                    .extracting(Adapter::name)
                    .containsExactlyInAnyOrder("lost", "pinned");
        }
    }

    @Test
    void aBrokenStateFileIsRefusedAndKept() throws IOException {
        Files.writeString(temp.resolve("state.json"), "{\"adapters\": [");
        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILE));
        assertThat(temp.resolve("state.json")).hasContent("{\"adapters\": [");
    }
}
