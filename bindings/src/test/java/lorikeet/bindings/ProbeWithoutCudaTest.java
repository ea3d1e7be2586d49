package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Watches which classes a fresh process loads when it probes. */
class ProbeWithoutCudaTest {
    private static final String GENERATED = "lorikeet.bindings.cuda.";

    @TempDir
    Path folder;

    @Test
    void noGeneratedClassIsLoadedWhenTheFileGivenIsMissing() throws Exception {
        List<String> output = probe("-Dlorikeet.cuda.driver=" + folder.resolve("libcuda.so.1"));
        assertThat(output).contains("Absent | CUDA driver not found: no usable libcuda.so.1 or libcuda.so");
        assertThat(output).anyMatch(line -> line.contains("lorikeet.bindings.LibrarySearch source:"));
        assertThat(output).noneMatch(line -> line.contains(GENERATED));
    }

    @Test
    void noGeneratedClassIsLoadedWhenTheFileGivenIsNoDriver() throws Exception {
        Path file = SystemLibrary.copyTo(folder.resolve("libcuda.so.1"));
        List<String> output = probe("-Dlorikeet.cuda.driver=" + file);
        assertThat(output).anyMatch(line -> line.startsWith("Absent | "));
        assertThat(output).noneMatch(line -> line.contains(GENERATED));
    }

    @Test
    void noGeneratedClassIsLoadedOnAMachineWithoutCuda() throws Exception {
        List<String> output = probe();
        assumeTrue(
                output.stream().anyMatch(line -> line.startsWith("Absent | CUDA driver not found")),
                "this machine has a CUDA driver");
        assertThat(output).noneMatch(line -> line.contains(GENERATED));
    }

    @Test
    void deniedNativeAccessIsAnAnswer() throws Exception {
        List<String> output = probe("--illegal-native-access=deny", "--enable-native-access=java.base");
        assertThat(output)
                .anyMatch(line ->
                        line.startsWith("Absent | ") && line.contains("--enable-native-access=lorikeet.bindings"));
    }

    private List<String> probe(String... options) throws IOException, InterruptedException, URISyntaxException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xlog:class+load=info:stdout",
                "-XX:+UseSerialGC"));
        command.addAll(List.of(options));
        if (List.of(options).stream().noneMatch(option -> option.startsWith("--enable-native-access"))) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", root(CudaDriver.class) + ":" + root(ProbeOnce.class), ProbeOnce.class.getName()));
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        List<String> lines = Files.readAllLines(output);
        assertThat(process.exitValue()).as(() -> String.join("\n", lines)).isZero();
        return lines;
    }

    /** The folder that a class was compiled into. */
    private static Path root(Class<?> type) throws URISyntaxException {
        Path file = Path.of(Objects.requireNonNull(type.getResource(type.getSimpleName() + ".class"))
                .toURI());
        int packages = type.getName().split("\\.").length;
        return Objects.requireNonNull(file.getRoot()).resolve(file.subpath(0, file.getNameCount() - packages));
    }
}
