package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code lorikeet serve} as a process: signals, keys, and limits that hold for the whole process. */
final class ServeProcessTest {
    @TempDir
    private Path folder;

    private ServeProcess serve(String... options) throws IOException {
        return ServeProcess.demo(folder.resolve("output"), Map.of(), List.of(options));
    }

    @Test
    void aSignalLetsWhatRunsFinish() throws Exception {
        try (ServeProcess server = serve();
                RawClient client = new RawClient(server.port)) {
            client.post("/v1/completions", "{'prompt': 'fox', 'max_tokens': 200, 'ignore_eos': true, 'stream': true}");
            assertThat(client.readSome()).startsWith("HTTP/1.1 200");
            server.process.destroy(); // SIGTERM
            assertThat(client.readToEnd()).contains("data: [DONE]");
            assertThat(server.awaitEnd()).as(server.output()).isZero();
            assertThat(server.output()).contains("finishing what runs", "all done");
        }
    }

    @Test
    void theGraceTimeEndsWhatRunsLonger() throws Exception {
        try (ServeProcess server = serve("--grace", "0");
                RawClient client = new RawClient(server.port)) {
            client.post(
                    "/v1/completions",
                    "{'prompt': 'fox', 'n': 16, 'max_tokens': 200, 'ignore_eos': true, 'stream': true}");
            assertThat(client.readSome()).startsWith("HTTP/1.1 200");
            server.process.destroy();
            assertThat(client.readToEnd()).contains("\"code\":\"aborted\"");
            assertThat(server.awaitEnd()).as(server.output()).isZero();
        }
    }

    @Test
    void keysComeFromFilesOrTheEnvironment() throws Exception {
        Path key = Files.writeString(folder.resolve("key"), "secret\n");
        try (ServeProcess server = ServeProcess.demo(
                folder.resolve("output"),
                Map.of("LORIKEET_ADMIN_KEY", "boss"),
                List.of("--api-key-file", key.toString()))) {
            assertThat(server.get("/v1/models")).contains("invalid_api_key");
            try (RawClient client = new RawClient(server.port)) {
                client.send(
                        "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n");
                assertThat(client.readToEnd()).contains("\"demo\"");
            }
            try (RawClient client = new RawClient(server.port)) {
                client.send(
                        "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer boss\r\nConnection: close\r\n\r\n");
                assertThat(client.readToEnd()).contains("\"demo\"");
            }
        }
    }

    @Test
    void connectionsAndSlowSendersAreBounded() throws Exception {
        int most = 4;
        try (ServeProcess server = serve("--max-connections", String.valueOf(most), "--client-timeout", "2")) {
            List<RawClient> idle = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                RawClient client = new RawClient(server.port);
                client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 100\r\n\r\n{");
                idle.add(client);
            }
            try (RawClient oneTooMany = new RawClient(server.port)) {
                oneTooMany.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                assertThat(oneTooMany.readToEnd()).doesNotContain("200 OK");
            } catch (IOException e) {
                assertThat(e).hasMessageMatching("(?s).*(reset|Broken pipe).*");
            }
            // Those that never send their bodies are dropped, and others come in.
            for (RawClient client : idle) {
                assertThat(client.readToEnd()).doesNotContain("200 OK");
                client.close();
            }
            Eventually.until("there is room again", () -> {
                try (RawClient client = new RawClient(server.port)) {
                    client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                    return client.readToEnd().contains("200 OK");
                } catch (IOException e) {
                    return false;
                }
            });
        }
    }
}
