package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The host's side of a GPU, with a driver that keeps account and computes nothing. It takes a C compiler, {@code cc}. */
@EnabledOnOs(OS.LINUX)
class StandInDriverTest {
    private static final Path SOURCE = Path.of("src/test/c/stand_in_driver.c");

    @TempDir
    private Path folder;

    @Test
    void servesAndSurvivesFullMemoryOnAStandIn() throws Exception {
        Path library = folder.resolve("libstandin.so");
        assumeTrue(compile(library), "there is no C compiler");
        String text = SeparateJvm.run(
                folder.resolve("output"),
                StandInRuns.class,
                System.nanoTime(),
                library.toString(),
                Golden.set("mistral-v4").toString());
        assumeFalse(text.endsWith("no kernels\n"), "this build has no kernels");
        assertThat(text).endsWith("all is well\n");
    }

    private boolean compile(Path library) throws IOException, InterruptedException {
        Path messages = folder.resolve("messages");
        Process compiler;
        try {
            compiler = new ProcessBuilder(
                            "cc",
                            "-std=c11",
                            "-O1",
                            "-Wall",
                            "-Wextra",
                            "-Werror",
                            "-shared",
                            "-fPIC",
                            "-o",
                            library.toString(),
                            SOURCE.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(messages.toFile())
                    .start();
        } catch (IOException e) {
            return false;
        }
        assertThat(compiler.waitFor()).as(Files.readString(messages)).isZero();
        return true;
    }
}
