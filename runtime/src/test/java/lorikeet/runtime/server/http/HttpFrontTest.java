package lorikeet.runtime.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The server below the endpoints: clients that don't read, clients that go, endpoints that fail. */
final class HttpFrontTest {
    private static final HttpLimits LIMITS =
            new HttpLimits(1 << 20, 1024, Duration.ofSeconds(30), Duration.ofSeconds(1));
    private static final int MINUTE = 60;

    private static HttpFront front(Route... routes) {
        return new HttpFront(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                List.of(routes),
                new Keys(Optional.empty(), Optional.empty()),
                LIMITS,
                e -> Optional.empty());
    }

    private static HttpResponse<String> get(HttpFront front, String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + front.address().getPort() + path);
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private static Socket connect(HttpFront front, String path) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.connect(front.address());
        String request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    private static void answerOk(Call call) throws IOException {
        call.respond(200, Map.of("ok", true));
    }

    @Test
    void clientsThatDontReadAreDroppedAndStallNobody() throws Exception {
        int clients = 4 * Runtime.getRuntime().availableProcessors();
        CountDownLatch dropped = new CountDownLatch(clients);
        Endpoint endless = call -> {
            try (EventStream stream = call.stream()) {
                while (true) {
                    stream.add(Map.of("text", "x".repeat(1 << 16)));
                    stream.flush();
                }
            } finally {
                dropped.countDown();
            }
        };
        List<Socket> sockets = new ArrayList<>();
        try (HttpFront front = front(
                new Route("GET", "/endless", Access.OPEN, endless),
                new Route("GET", "/ok", Access.OPEN, HttpFrontTest::answerOk))) {
            for (int i = 0; i < clients; i++) {
                sockets.add(connect(front, "/endless"));
            }
            assertThat(get(front, "/ok").statusCode()).isEqualTo(200);
            assertThat(dropped.await(MINUTE, TimeUnit.SECONDS)).isTrue();
            assertThat(front.awaitIdle(Duration.ofSeconds(MINUTE))).isTrue();
            assertThat(get(front, "/ok").statusCode()).isEqualTo(200);
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aClientThatGoesIsNoticedWhileItsAnswerIsAwaited() throws Exception {
        CountDownLatch asked = new CountDownLatch(2);
        CountDownLatch gone = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        Endpoint waiting = call -> {
            try (Watch _ = call.whenGone(gone::countDown)) {
                asked.countDown();
                answer.await();
            }
            answerOk(call);
        };
        try (HttpFront front = front(new Route("GET", "/wait", Access.OPEN, waiting));
                Socket stays = connect(front, "/wait")) {
            connect(front, "/wait").close();
            assertThat(asked.await(MINUTE, TimeUnit.SECONDS)).isTrue();
            assertThat(gone.await(MINUTE, TimeUnit.SECONDS)).isTrue();
            answer.countDown();
            byte[] begin = stays.getInputStream().readNBytes(15);
            assertThat(new String(begin, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void anEndpointThatFailsIsTheServersFault() throws Exception {
        try (HttpFront front = front(new Route("GET", "/bug", Access.OPEN, call -> {
            throw new IllegalStateException("a secret");
        }))) {
            HttpResponse<String> answer = get(front, "/bug");
            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(answer.body()).contains("server_error").doesNotContain("secret");
        }
    }
}
