package lorikeet.runtime.server;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lorikeet.runtime.cli.Main;

/** {@code lorikeet serve} in a process of its own. */
final class ServeProcess implements AutoCloseable {
    private static final Pattern SERVING = Pattern.compile("serving \\S+ at http://[^:]+:(\\d+)");
    private static final int SECONDS = 120;

    final Process process;
    final int port;
    private final Path output;
    private final HttpClient client = HttpClient.newHttpClient();

    /** Serves the demo model on a free port. */
    static ServeProcess demo(Path output, Map<String, String> environment, List<String> options) throws IOException {
        List<String> all = new ArrayList<>(List.of("--model", Demo.MODEL.toString(), "--name", "demo"));
        all.addAll(options);
        return new ServeProcess(Path.of("").toAbsolutePath(), output, environment, all);
    }

    /** Serves in a folder, on a free port. */
    ServeProcess(Path folder, Path output, Map<String, String> environment, List<String> options) throws IOException {
        this.output = output;
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath(),
                Main.class.getName(),
                "serve",
                "--port",
                "0"));
        command.addAll(options);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        process = builder.start();
        try {
            port = awaitPort();
        } catch (RuntimeException | Error e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private static String classPath() {
        return Stream.of("java.class.path", "jdk.module.path")
                .map(name -> System.getProperty(name, ""))
                .flatMap(path -> Stream.of(path.split(File.pathSeparator, -1)))
                .filter(path -> !path.isEmpty())
                .map(path -> Path.of(path).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private int awaitPort() {
        int[] found = {0};
        Eventually.until("the server starts", () -> {
            Matcher matcher = SERVING.matcher(output());
            if (matcher.find()) {
                found[0] = Integer.parseInt(matcher.group(1));
            } else if (!process.isAlive()) {
                throw new AssertionError("it ended with " + process.exitValue() + ": " + output());
            }
            return found[0] != 0;
        });
        return found[0];
    }

    String output() {
        try {
            return Files.readString(output, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    String get(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder().GET(), path);
    }

    /** Posts JSON, written with single quotes in place of double ones. */
    String post(String path, String json) throws IOException, InterruptedException {
        return send(
                HttpRequest.newBuilder()
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"'))),
                path);
    }

    private String send(HttpRequest.Builder request, String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + port + path);
        return client.send(request.uri(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    /** Its exit status, once it has ended. */
    int awaitEnd() throws InterruptedException {
        if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("it doesn't end: " + output());
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        client.close();
    }
}
