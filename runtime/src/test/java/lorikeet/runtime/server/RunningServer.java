package lorikeet.runtime.server;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Options;
import lorikeet.runtime.TestDevice;
import lorikeet.runtime.server.http.HttpLimits;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server on a free port over the demo model, and a plain client for it. */
final class RunningServer implements AutoCloseable {
    static final JsonMapper JSON = new JsonMapper();
    static final Duration PATIENCE = Duration.ofSeconds(60);

    final Lorikeet model;
    final Server server;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    RunningServer(Options options, UnaryOperator<ServerSettings> changed) {
        this(Demo.MODEL, options, changed);
    }

    /** A server over another model, which it calls "demo" all the same. */
    RunningServer(Path folder, Options options, UnaryOperator<ServerSettings> changed) {
        model = Lorikeet.open(folder, options);
        try {
            server = Server.start(
                    model, changed.apply(settings(Optional.empty(), Optional.empty(), HttpLimits.DEFAULT)));
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    static RunningServer start() {
        return new RunningServer(TestDevice.OPTIONS, settings -> settings);
    }

    /** A server with two keys, the empty one for none. */
    static RunningServer withKeys(String use, String admin) {
        return new RunningServer(TestDevice.OPTIONS, settings -> settings(key(use), key(admin), HttpLimits.DEFAULT));
    }

    private static Optional<String> key(String key) {
        return key.isEmpty() ? Optional.empty() : Optional.of(key);
    }

    static ServerSettings settings(Optional<String> use, Optional<String> admin, HttpLimits limits) {
        return settings("127.0.0.1", use, admin, false, limits);
    }

    static ServerSettings settings(
            String host, Optional<String> use, Optional<String> admin, boolean openToAll, HttpLimits limits) {
        return new ServerSettings(
                host,
                0,
                "demo",
                Demo.MODEL.toString(),
                use,
                admin,
                openToAll,
                List.<Path>of(Demo.ADAPTERS),
                limits,
                4,
                16,
                8);
    }

    /** A server without keys whose clients may load adapters from a folder. */
    static RunningServer withRoot(Path root) {
        return new RunningServer(
                TestDevice.OPTIONS,
                it -> new ServerSettings(
                        it.host(),
                        it.port(),
                        it.modelName(),
                        it.modelPath(),
                        it.apiKey(),
                        it.adminKey(),
                        it.openToAll(),
                        List.of(root),
                        it.http(),
                        it.prompts(),
                        it.choices(),
                        it.batchAdapters()));
    }

    int port() {
        return server.address().getPort();
    }

    String url() {
        return "http://127.0.0.1:" + port();
    }

    /** An answer, with its body as text and as JSON. */
    record Answer(int status, String body, HttpResponse<String> response) {
        JsonNode json() {
            return JSON.readTree(body);
        }

        JsonNode error() {
            return json().path("error");
        }

        /** The JSON of each event of a stream, without the last. */
        List<JsonNode> events() {
            return Stream.of(body.split("\n\n"))
                    .map(event -> event.substring("data: ".length()))
                    .filter(event -> !event.equals("[DONE]"))
                    .map(JSON::readTree)
                    .toList();
        }
    }

    Answer get(String path, String... headers) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder().GET(), path, headers);
    }

    /** Posts JSON, written with single quotes in place of double ones. */
    Answer post(String path, String json, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder()
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"'), StandardCharsets.UTF_8));
        return send(request, path, headers);
    }

    Answer send(HttpRequest.Builder request, String path, String... headers) throws IOException, InterruptedException {
        request.uri(URI.create(url() + path)).timeout(PATIENCE);
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body(), response);
    }

    void load(String name) throws IOException, InterruptedException {
        model.load(name, Demo.adapter(name));
    }

    @Override
    public void close() {
        server.close();
        model.close();
        client.close();
    }
}
