package lorikeet.jmh.device;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lorikeet.jmh.BuildFolder;
import lorikeet.runtime.cli.Main;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A server over a checkpoint that is in the page cache, from the start of its process until it listens. The checkpoint is
 * written where {@code -Dlorikeet.bench.folder} says, else into the build's folder.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class ServerStart {
    private static final Pattern SERVING = Pattern.compile("serving \\S+ at (http://\\S+) ");

    /** Where to compute. */
    @Param("cpu")
    String device = "cpu";

    /** The model. */
    @Param("SMALL")
    ModelShape shape = ModelShape.SMALL;

    private final List<String> command = new ArrayList<>();
    private @Nullable Process process;
    private String url = "";

    /** Writes the checkpoint, so that it is in the page cache. */
    @Setup
    public void write() throws IOException {
        String folder = System.getProperty("lorikeet.bench.folder");
        Path parent = folder == null ? BuildFolder.resolve("random-models") : Path.of(folder);
        Path model = shape.checkpoint().write(parent);
        shape.checkpoint().writeTokenizer(model);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("lorikeet."))
                .forEach(name -> command.add("-D" + name + "=" + System.getProperty(name)));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "serve"));
        command.addAll(List.of("--model", model.toString(), "--device", device, "--port", "0"));
    }

    /** Starts the server. */
    @Benchmark
    public String start() throws IOException {
        Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
        process = started;
        StringBuilder said = new StringBuilder();
        BufferedReader output = started.inputReader();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            said.append(line).append('\n');
            Matcher serving = SERVING.matcher(line);
            if (serving.find()) {
                url = serving.group(1);
                return url;
            }
        }
        throw new IllegalStateException("the server has ended: " + said);
    }

    /** Has the server make a token, and ends it; not timed. */
    @TearDown(Level.Invocation)
    public void end() throws IOException, InterruptedException {
        Process started = process;
        if (started == null) {
            return;
        }
        try {
            HttpURLConnection connection = (HttpURLConnection)
                    URI.create(url).resolve("/v1/completions").toURL().openConnection();
            connection.setRequestProperty("Content-Type", "application/json");
            connection.setDoOutput(true);
            try (OutputStream body = connection.getOutputStream()) {
                body.write("{\"prompt\": [1, 2, 3], \"max_tokens\": 1}".getBytes(StandardCharsets.UTF_8));
            }
            if (connection.getResponseCode() != HttpURLConnection.HTTP_OK) {
                throw new IllegalStateException("the server answers " + connection.getResponseCode());
            }
        } finally {
            started.destroyForcibly().waitFor();
        }
    }
}
