package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's server starts, and its curl lines print what stands below them. */
final class ReadmeTest {
    private static final Path TREE = Path.of("..").toAbsolutePath().normalize();
    private static final String SERVE = "./lorikeet serve ";
    private static final String PRINTS = "#=> ";

    @TempDir
    private Path folder;

    @Test
    void theServersLinesWorkAsPrinted() throws Exception {
        List<String> readme = Files.readAllLines(TREE.resolve("README.md"));
        String serve = readme.stream()
                .filter(line -> line.startsWith(SERVE))
                .findFirst()
                .orElseThrow();
        List<String> options =
                Arrays.asList(serve.substring(SERVE.length()).strip().split(" ", -1));
        int checked = 0;
        try (ServeProcess server = new ServeProcess(TREE, folder.resolve("output"), Map.of(), options)) {
            for (int i = 0; i < readme.size(); i++) {
                String line = readme.get(i);
                if (line.startsWith("curl ")) {
                    String printed = run(line.replace("localhost:8080", "127.0.0.1:" + server.port));
                    String expected = readme.get(i + 1);
                    assertThat(expected).startsWith(PRINTS);
                    assertThat(printed).as(line).contains(expected.substring(PRINTS.length()));
                    checked++;
                }
            }
        }
        assertThat(checked).isGreaterThan(5);
    }

    private static String run(String line) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        "sh", "-c", line.replaceFirst("^curl ", "curl --no-progress-meter --max-time 60 "))
                .directory(TREE.toFile())
                .redirectErrorStream(true)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return printed;
    }
}
