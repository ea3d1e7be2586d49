package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Nothing is left behind by a thousand opens. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "/proc tells what a process holds")
class LeakTest {
    private static final Path SET = Golden.set("llama");

    /** What a process holds. */
    private record Held(long mappedFiles, long descriptors, long threads, long residentKilobytes) {
        static Held now() throws IOException {
            try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"));
                    Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"));
                    Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
                List<String> lines = status.toList();
                return new Held(
                        maps.filter(line -> line.contains("safetensors")).count(),
                        descriptors.count(),
                        number(lines, "Threads:"),
                        number(lines, "VmRSS:"));
            }
        }

        private static long number(List<String> lines, String name) {
            String line =
                    lines.stream().filter(l -> l.startsWith(name)).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", ""));
        }
    }

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
    void aThousandOpensLeaveNothing() throws IOException {
        for (int i = 0; i < 100; i++) {
            useOnce(i);
        }
        System.gc();
        Held before = Held.now();
        for (int i = 0; i < 1000; i++) {
            useOnce(i);
        }
        System.gc();
        Held after = Held.now();
        // Other tests of the same JVM may hold some for as long as it runs.
        assertThat(after.mappedFiles()).isEqualTo(before.mappedFiles());
        assertThat(after.descriptors()).isLessThanOrEqualTo(before.descriptors() + 2);
        assertThat(after.threads()).isLessThanOrEqualTo(before.threads() + 4);
        // A leak of even one KV chunk or mapping a round would be hundreds of megabytes.
        assertThat(after.residentKilobytes()).isLessThan(before.residentKilobytes() + 150_000);
    }
}
