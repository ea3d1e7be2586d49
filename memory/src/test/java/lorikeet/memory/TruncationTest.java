package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reading pages that a file has lost is an exception, not the end of the JVM; checked in JVMs of their own. */
@EnabledOnOs(OS.LINUX)
class TruncationTest {
    private static final String PROGRAM = "lorikeet.memory.TruncatedReads";

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"scalars", "floats", "vectors"})
    void interpreted(String way) throws Exception {
        assertRefused(run(way, 1, "-Xint"));
    }

    @ParameterizedTest
    @CsvSource({"scalars", "floats", "vectors"})
    void compiledByC1(String way) throws Exception {
        assertRefused(run(way, 300, "-XX:TieredStopAtLevel=1", "-Xbatch"));
    }

    @ParameterizedTest
    @CsvSource({"scalars", "floats", "vectors"})
    void compiledByC2(String way) throws Exception {
        String output = run(way, 12_000, "-XX:-TieredCompilation", "-Xbatch", "-XX:+PrintCompilation");

        assertRefused(output);
        assertThat(output)
                .as("the method was compiled as a whole")
                .containsPattern("(?m)^ *\\d+ +\\d+ [^%\\n]*TruncatedReads::" + way + " \\(\\d+ bytes\\)$");
    }

    private void assertRefused(String output) {
        assertThat(output)
                .contains(folder.resolve("shrinks") + ": had 65536 bytes when it was opened and has 5000 now");
    }

    private String run(String way, int reads, String... flags) throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--add-modules=jdk.incubator.vector", "-XX:-CreateCoredumpOnCrash"));
        command.add("-XX:ErrorFile=" + folder.resolve("crash.log"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", "target/classes" + System.getProperty("path.separator") + "target/test-classes"));
        command.addAll(List.of(PROGRAM, folder.resolve("shrinks").toString(), String.valueOf(reads), way));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = process.waitFor(120, TimeUnit.SECONDS);
        process.destroyForcibly().waitFor();
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(ended).as(text).isTrue();
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }
}
