package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Nothing is left behind by a thousand opens. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "/proc tells what a process holds")
class LeakTest {
    private static final Path SET = Golden.set("llama");

    private static void useOnce(int round) {
        try (Lorikeet model = Lorikeet.open(
                SET.resolve("model"), Options.DEFAULT.threads(2).stepTokens(16).running(2))) {
            Adapter adapter = model.load("a", SET.resolve("adapters/all-r8"));
            if (round % 3 == 0) {
                adapter.close();
            } else if (round % 10 == 1) {
                model.generate(Request.tokens(List.of(76)).adapter(adapter).maxTokens(2));
            }
        }
        try {
            Lorikeet.open(SET.resolve("adapters/all-r8"));
            throw new AssertionError("an adapter was opened as a model");
        } catch (LorikeetException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND);
        }
    }

    @Test
    void aThousandOpensLeaveNothing() {
        for (int i = 0; i < 100; i++) {
            useOnce(i);
        }
        Held before = Held.now("safetensors");
        for (int i = 0; i < 1000; i++) {
            useOnce(i);
        }
        Held after = Held.now("safetensors");
        assertThat(after.mappedFiles()).isZero();
        assertThat(after.descriptors()).isLessThanOrEqualTo(before.descriptors() + 2);
        assertThat(after.threads()).isLessThanOrEqualTo(before.threads() + 4);
        // A leak of even one KV chunk or mapping a round would be hundreds of megabytes.
        assertThat(after.residentKilobytes()).isLessThan(before.residentKilobytes() + 150_000);
    }
}
