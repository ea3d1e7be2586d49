package lorikeet.runtime.server;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A Chromium without a window, steered over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol).
 */
final class HeadlessBrowser implements AutoCloseable {
    static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

    private static final Pattern LISTENING = Pattern.compile("DevTools listening on ws://([^/]+)/");
    private static final int SECONDS = 60;

    private final Process process;
    private final HttpClient http = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> calls = new ConcurrentHashMap<>();
    private final List<String> requested = new CopyOnWriteArrayList<>();
    private final List<String> errors = new CopyOnWriteArrayList<>();

    HeadlessBrowser(Path executable, Path profile) throws Exception {
        process = new ProcessBuilder(
                        executable.toString(),
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile,
                        "about:blank")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        socket = http.newWebSocketBuilder()
                .buildAsync(URI.create(page(listening())), new Incoming())
                .get(SECONDS, TimeUnit.SECONDS);
        for (String domain : List.of("Page", "Runtime", "Network", "Log")) {
            call(domain + ".enable", Map.of());
        }
    }

    /** The browser of this machine, if it has one. */
    static Optional<Path> find() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private String listening() throws IOException {
        BufferedReader reader = process.errorReader(StandardCharsets.UTF_8);
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            Matcher matcher = LISTENING.matcher(line);
            if (matcher.find()) {
                Thread.ofVirtual().start(() -> reader.lines().forEach(rest -> {}));
                return matcher.group(1);
            }
        }
        throw new IOException("the browser did not start");
    }

    private String page(String address) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + address + "/json/list"))
                .build();
        for (int i = 0; i < SECONDS * 10; i++) {
            String list =
                    http.send(request, HttpResponse.BodyHandlers.ofString()).body();
            for (JsonNode target : RunningServer.JSON.readTree(list)) {
                if (target.path("type").asString().equals("page")) {
                    return target.path("webSocketDebuggerUrl").stringValue();
                }
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        throw new IOException("the browser shows no page");
    }

    private final class Incoming implements WebSocket.Listener {
        private final StringBuilder parts = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            parts.append(data);
            if (last) {
                take(RunningServer.JSON.readTree(parts.toString()));
                parts.setLength(0);
            }
            webSocket.request(1);
            return null;
        }
    }

    private void take(JsonNode message) {
        if (message.has("id")) {
            CompletableFuture<JsonNode> call = calls.remove(message.path("id").intValue());
            if (call != null) {
                call.complete(message);
            }
            return;
        }
        switch (message.path("method").asString()) {
            case "Network.requestWillBeSent" ->
                requested.add(message.at("/params/request/url").stringValue());
            case "Runtime.exceptionThrown" ->
                errors.add(message.at("/params/exceptionDetails").toString());
            case "Log.entryAdded" -> {
                if (message.at("/params/entry/source").asString().equals("security")) {
                    errors.add(message.at("/params/entry").toString());
                }
            }
            default -> {}
        }
    }

    private JsonNode call(String method, Map<String, ?> parameters) throws Exception {
        int id = ids.incrementAndGet();
        CompletableFuture<JsonNode> call = new CompletableFuture<>();
        calls.put(id, call);
        String text = RunningServer.JSON.writeValueAsString(Map.of("id", id, "method", method, "params", parameters));
        socket.sendText(text, true).get(SECONDS, TimeUnit.SECONDS);
        JsonNode answer = call.get(SECONDS, TimeUnit.SECONDS);
        if (answer.has("error")) {
            throw new IOException(method + ": " + answer.path("error"));
        }
        return answer.path("result");
    }

    void open(String url) throws Exception {
        call("Page.navigate", Map.of("url", url));
    }

    /** The value of an expression on the page, as text. */
    String text(String expression) throws Exception {
        JsonNode result = call(
                "Runtime.evaluate",
                Map.of("expression", "String(" + expression + ")", "awaitPromise", true, "returnByValue", true));
        if (result.has("exceptionDetails")) {
            throw new IOException(expression + ": " + result.path("exceptionDetails"));
        }
        return result.at("/result/value").stringValue();
    }

    /** Waits until an expression is true. */
    void until(String expression) {
        Eventually.until(expression, () -> {
            try {
                return text(expression).equals("true");
            } catch (IOException notThere) {
                return false;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    /** Writes into a field as a person does. */
    void type(String id, String value) throws Exception {
        text("(document.getElementById('" + id + "').focus(), document.getElementById('" + id + "').select?.(), 1)");
        call("Input.insertText", Map.of("text", value));
    }

    /** Clicks into the middle of what a selector finds, with the mouse. */
    void click(String selector) throws Exception {
        String[] place = text("(() => { const e = document.querySelector(\"" + selector + "\"); e.scrollIntoView(); "
                        + "const r = e.getBoundingClientRect(); return (r.x + r.width / 2) + ' ' + (r.y + r.height / 2); })()")
                .split(" ", 2);
        for (String type : List.of("mousePressed", "mouseReleased")) {
            call(
                    "Input.dispatchMouseEvent",
                    Map.of(
                            "type",
                            type,
                            "x",
                            Double.parseDouble(place[0]),
                            "y",
                            Double.parseDouble(place[1]),
                            "button",
                            "left",
                            "clickCount",
                            1));
        }
    }

    /** Every address that the page has asked for. */
    List<String> requested() {
        return requested;
    }

    /** Exceptions of its scripts, and what its security policy forbade. */
    List<String> errors() {
        return errors;
    }

    @Override
    public void close() throws IOException {
        try {
            call("Browser.close", Map.of());
            if (process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("the browser doesn't close", e);
        } finally {
            socket.abort();
            process.destroyForcibly();
            http.close();
        }
    }
}
