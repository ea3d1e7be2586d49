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

/** {@code lorikeet serve} as a process: signals, restarts, keys, and limits that hold for the whole process. */
final class ServeProcessTest {
    private static final String GREEDY = "'temperature': 0, 'max_tokens': 16";

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
    void warmingUpLeavesNoTraces() throws Exception {
        try (ServeProcess server = serve()) {
            assertThat(server.get("/metrics").lines())
                    .contains(
                            "lorikeet_steps_total 0.0",
                            "lorikeet_prompt_tokens_total 0.0",
                            "lorikeet_generated_tokens_total 0.0",
                            "lorikeet_requests_answered_total 0.0",
                            "lorikeet_kv_blocks_used 0.0",
                            "lorikeet_kv_blocks_cached 0.0",
                            "lorikeet_time_to_first_token_seconds_count 0");
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
    void afterAKillTheAdaptersAreBack() throws Exception {
        Path state = folder.resolve("state.json");
        String[] options = {
            "--state", state.toString(),
            "--allow-adapter-path", Demo.ADAPTERS.toString(),
            "--adapter", "dates=" + Demo.adapter("date-iso") + ",pinned"
        };
        try (ServeProcess server = serve(options)) {
            assertThat(server.post("/load_lora_adapter", load("roman", "to-roman")))
                    .contains("\"success\":true");
            assertThat(server.post("/load_lora_adapter", load("cron", "to-cron")))
                    .contains("\"success\":true");
            assertThat(server.post("/unload_lora_adapter", "{'lora_name': 'cron'}"))
                    .contains("\"success\":true");
            server.process.destroyForcibly(); // SIGKILL
            assertThat(server.awaitEnd()).isNotZero();
        }
        try (ServeProcess server = serve(options)) {
            assertThat(server.get("/v1/models"))
                    .contains("\"roman\"", "\"dates\"")
                    .doesNotContain("\"cron\"");
            assertThat(server.get("/adapters")).contains("\"name\":\"dates\"", "\"pinned\":true");
            assertThat(server.post("/v1/completions", "{'model': 'roman', 'prompt': '1994 =>', " + GREEDY + "}"))
                    .contains("MCMXCIV");
        }
        assertThat(Files.readString(state)).contains("roman").doesNotContain("dates");
    }

    private static String load(String name, String adapter) {
        return "{'lora_name': '" + name + "', 'lora_path': '" + Demo.adapter(adapter) + "'}";
    }

    @Test
    void aFolderOfAdaptersIsOfferedByName() throws Exception {
        try (ServeProcess server = serve("--adapters", Demo.ADAPTERS.toString(), "--max-loaded-loras", "2")) {
            assertThat(server.get("/adapters")).isEqualTo("{\"adapters\":[]}");
            assertThat(server.get("/adapters/offered")).contains("\"to-roman\"", "\"to-sql\"");
            assertThat(server.post("/v1/completions", "{'model': 'to-roman', 'prompt': '1994 =>', " + GREEDY + "}"))
                    .contains("MCMXCIV");
            assertThat(server.post("/v1/completions", "{'model': '../adapters/to-roman', 'prompt': 'x'}"))
                    .contains("model_not_found");
            for (String name : List.of("to-cron", "to-sql", "to-json")) {
                assertThat(server.post("/v1/completions", "{'model': '" + name + "', 'prompt': 'x', 'max_tokens': 1}"))
                        .contains("\"choices\"");
            }
            assertThat(server.get("/adapters").split("\"name\"", -1)).hasSize(3);
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
