package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.SocketException;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import lorikeet.runtime.TestDevice;
import lorikeet.runtime.server.http.HttpLimits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Clients that hang up, that read slowly, that send too much. */
final class ClientsTest {
    /** Sixteen texts that fill the context: seconds of work on the demo model, on a GPU if it is one after the other. */
    private static final String LONG =
            "'prompt': 'fox', 'n': 16, 'max_tokens': 200, 'ignore_eos': true, 'temperature': 1";

    private static final String CHATTY =
            "{'messages': [{'role': 'user', 'content': 'fox'}], 'n': 4, 'max_tokens': 100, "
                    + "'ignore_eos': true, 'logprobs': true, 'top_logprobs': 20, 'stream': true}";

    private static RunningServer oneAtATime() {
        return new RunningServer(TestDevice.OPTIONS.running(1), settings -> settings);
    }

    private static double counter(RunningServer server, String line) throws Exception {
        return server.get("/metrics")
                .body()
                .lines()
                .filter(text -> text.startsWith(line + " "))
                .mapToDouble(text -> Double.parseDouble(text.substring(line.length() + 1)))
                .sum();
    }

    private static void assertCancelled(RunningServer server) throws Exception {
        Eventually.until("the request is over", () -> server.model.stats().answered() == 1);
        assertThat(server.model.stats().running()).isZero();
        assertThat(server.model.stats().generatedTokens()).isLessThan(16 * 200);
        Eventually.until("it is counted", () -> {
            try {
                return counter(server, "lorikeet_requests_ended_total{reason=\"cancelled\"}") == 1;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void aClientThatHangsUpInAStreamIsCancelled() throws Exception {
        try (RunningServer server = oneAtATime()) {
            try (RawClient client = new RawClient(server.port())) {
                client.post("/v1/completions", "{" + LONG + ", 'stream': true}");
                assertThat(client.readSome()).startsWith("HTTP/1.1 200");
            }
            assertCancelled(server);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aClientThatHangsUpWhileItWaitsIsCancelled() throws Exception {
        for (String path : new String[] {"/v1/completions", "/generate"}) {
            try (RunningServer server = oneAtATime()) {
                try (RawClient client = new RawClient(server.port())) {
                    client.post(
                            path,
                            path.equals("/generate")
                                    ? "{'text': 'fox', 'sampling_params': {'n': 16, 'max_new_tokens': 200, 'ignore_eos': true}}"
                                    : "{" + LONG + "}");
                    Eventually.until("it runs", () -> server.model.stats().running() > 0);
                }
                assertCancelled(server);
            }
        }
    }

    @Test
    void aSlowReaderStallsNobody() throws Exception {
        try (RunningServer server = RunningServer.start();
                RawClient slow = new RawClient(server.port())) {
            slow.post("/v1/chat/completions", CHATTY);
            assertThat(slow.readSome()).startsWith("HTTP/1.1 200");
            assertThat(server.post("/v1/completions", "{'prompt': 'fox', 'max_tokens': 4}")
                            .status())
                    .isEqualTo(200);
            Eventually.until(
                    "the slow one's texts are made, too",
                    () -> server.model.stats().answered() == 2);
            assertThat(slow.readToEnd()).contains("data: [DONE]");
        }
    }

    @Test
    void whoeverSendsTooMuchIsToldWhy() throws Exception {
        try (RunningServer server = RunningServer.start()) {
            String large = "{'prompt': '" + "x".repeat(5 << 20) + "'}";
            assertThat(server.post("/v1/completions", large).status()).isEqualTo(413);
            assertThat(server.post("/nothing", large).status()).isEqualTo(404);
            try (RawClient client = new RawClient(server.port())) {
                client.send(String.join(
                        "\r\n",
                        "POST /v1/completions HTTP/1.1",
                        "Host: localhost",
                        "Content-Type: application/json",
                        "Content-Length: 10000000000",
                        "",
                        ""));
                assertThat(client.readSome()).startsWith("HTTP/1.1 413");
            }
        }
    }

    @Test
    void whoeverSendsNonsenseIsToldWhy() throws Exception {
        try (RunningServer server = RunningServer.start();
                RawClient client = new RawClient(server.port())) {
            client.send(String.join(
                    "\r\n",
                    "POST /v1/completions HTTP/1.1",
                    "Host: localhost",
                    "Content-Type: application/json",
                    "Transfer-Encoding: chunked",
                    "",
                    "no chunk",
                    ""));
            assertThat(client.readSome()).startsWith("HTTP/1.1 400");
        }
    }

    @Test
    void aHeadIsAnsweredWithoutABody() throws Exception {
        try (RunningServer server = RunningServer.start()) {
            for (String path : List.of("/health", "/v1/models", "/metrics", "/", "/v1/models/nobody")) {
                RunningServer.Answer whole = server.get(path);
                RunningServer.Answer head =
                        server.send(HttpRequest.newBuilder().method("HEAD", HttpRequest.BodyPublishers.noBody()), path);
                assertThat(head.status()).as(path).isEqualTo(whole.status());
                assertThat(head.body()).as(path).isEmpty();
                for (String header : List.of("Content-Type", "Content-Length")) {
                    if (!path.equals("/metrics") || header.equals("Content-Type")) {
                        assertThat(head.response().headers().firstValue(header))
                                .as(path)
                                .isEqualTo(whole.response().headers().firstValue(header));
                    }
                }
            }
            try (RawClient client = new RawClient(server.port())) {
                client.send("HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
                client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                assertThat(client.readToEnd()).doesNotContain("{").containsPattern("(?s)200 OK.*200 OK");
            }
        }
    }

    @Test
    void tooMuchIsRefused() throws Exception {
        HttpLimits limits = new HttpLimits(1000, 1024, Duration.ofSeconds(30), Duration.ofSeconds(30));
        try (RunningServer server = new RunningServer(
                TestDevice.OPTIONS, settings -> RunningServer.settings(Optional.empty(), Optional.empty(), limits))) {
            String body = "{'prompt': '" + "x".repeat(2000) + "'}";
            RunningServer.Answer announced = server.post("/v1/completions", body);
            assertThat(announced.status()).isEqualTo(413);
            assertThat(announced.error().path("code").stringValue()).isEqualTo("request_too_large");
            RunningServer.Answer chunked = server.send(
                    HttpRequest.newBuilder()
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.fromPublisher(
                                    HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')))),
                    "/v1/completions");
            assertThat(chunked.status()).isEqualTo(413);
            RunningServer.Answer zipped = server.post("/v1/completions", "{'prompt': 'x'}", "Content-Encoding", "gzip");
            assertThat(zipped.status()).isEqualTo(415);
            try (RawClient client = new RawClient(server.port())) {
                client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n");
                for (int i = 0; i < 200; i++) {
                    client.send("X-Header-" + i + ": " + "y".repeat(300) + "\r\n");
                }
                client.send("\r\n");
                assertThat(client.readToEnd()).doesNotContain("200 OK");
            } catch (SocketException e) {
                assertThat(e).hasMessageMatching("(?s).*(reset|Broken pipe).*");
            }
            assertThat(server.get("/health").status()).isEqualTo(200);
        }
    }

    @Test
    void aPageOfAnotherSiteCannotReachAServerWithoutKeys() throws Exception {
        try (RunningServer server = RunningServer.start()) {
            assertThat(status(server, "evil.example:80")).isEqualTo(403);
            assertThat(status(server, "localhost:1234")).isEqualTo(200);
            assertThat(status(server, "127.0.0.1")).isEqualTo(200);
            assertThat(status(server, "[::1]:80")).isEqualTo(200);
        }
        try (RunningServer server = RunningServer.withKeys("use", "admin")) {
            assertThat(status(server, "models.example")).isEqualTo(200);
        }
    }

    private static int status(RunningServer server, String host) throws Exception {
        try (RawClient client = new RawClient(server.port())) {
            client.send("GET /health HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
            return Integer.parseInt(client.readToEnd().split(" ", 3)[1]);
        }
    }

    @Test
    void aFullQueueIsToldAsSuch() throws Exception {
        try (RunningServer server =
                        new RunningServer(TestDevice.OPTIONS.running(1).queueLength(1), settings -> settings);
                RawClient first = new RawClient(server.port());
                RawClient second = new RawClient(server.port())) {
            String one = "{'prompt': 'fox', 'max_tokens': 200, 'ignore_eos': true}";
            first.post("/v1/completions", one);
            Eventually.until("one runs", () -> server.model.stats().running() == 1);
            second.post("/v1/completions", one);
            Eventually.until("one waits", () -> server.model.stats().waiting() == 1);
            RunningServer.Answer refused = server.post("/v1/completions", one);
            assertThat(refused.status()).as(refused.body()).isEqualTo(503);
            assertThat(refused.error().path("code").stringValue()).isEqualTo("no_room");
            assertThat(refused.response().headers().firstValue("Retry-After")).contains("1");
            assertThat(server.get("/health_generate").status()).isEqualTo(200);
        }
    }

    @Test
    void timeLimitsAreToldAsSuch() throws Exception {
        try (RunningServer server = new RunningServer(
                TestDevice.OPTIONS.running(1).timeLimit(Duration.ofMillis(50)), settings -> settings)) {
            RunningServer.Answer late = server.post("/v1/completions", "{" + LONG + "}");
            assertThat(late.status()).as(late.body()).isEqualTo(504);
            assertThat(late.error().path("code").stringValue()).isEqualTo("timed_out");
            RunningServer.Answer stream = server.post("/v1/completions", "{" + LONG + ", 'stream': true}");
            String told = stream.status() == 504
                    ? stream.error().path("code").stringValue()
                    : stream.events().getLast().at("/error/code").stringValue();
            assertThat(told).isEqualTo("timed_out");
        }
    }
}
