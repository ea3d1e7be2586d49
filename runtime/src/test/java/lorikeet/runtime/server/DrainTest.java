package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The end of a server: what runs finishes, what comes is refused, and balancers are told. */
final class DrainTest {
    private static final String STREAM = "{'prompt': 'fox', 'max_tokens': 100, 'ignore_eos': true, 'stream': true}";

    @Test
    void whatRunsFinishesAndWhatComesIsRefused() throws Exception {
        try (RunningServer server = RunningServer.start();
                RawClient client = new RawClient(server.port())) {
            client.post("/v1/completions", STREAM);
            assertThat(client.readSome()).startsWith("HTTP/1.1 200");
            CompletableFuture<Boolean> drained = drain(server, Duration.ofSeconds(60));
            Eventually.until("balancers are told", () -> status(server, "/health") == 503);
            assertThat(status(server, "/health_generate")).isEqualTo(503);
            RunningServer.Answer refused = server.post("/v1/completions", "{'prompt': 'x'}");
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.error().path("code").stringValue()).isEqualTo("aborted");
            assertThat(refused.response().headers().firstValue("Connection")).contains("close");
            assertThat(client.readToEnd()).contains("data: [DONE]");
            assertThat(drained.get(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void theGraceTimeIsALimit() throws Exception {
        try (RunningServer server = RunningServer.start();
                RawClient client = new RawClient(server.port())) {
            client.post("/v1/completions", STREAM.replace("{", "{'n': 16, "));
            assertThat(client.readSome()).startsWith("HTTP/1.1 200");
            assertThat(server.server.drain(Duration.ZERO)).isFalse();
            server.model.close();
            assertThat(client.readToEnd()).contains("\"code\":\"aborted\"");
        }
    }

    private static CompletableFuture<Boolean> drain(RunningServer server, Duration grace) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return server.server.drain(grace);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static int status(RunningServer server, String path) {
        try {
            return server.get(path).status();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
