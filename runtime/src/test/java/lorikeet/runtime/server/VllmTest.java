package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** vLLM's endpoints for adapters, with its texts and statuses. */
final class VllmTest {
    private RunningServer server;

    @BeforeEach
    void start() {
        server = RunningServer.start();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private RunningServer.Answer load(String adapter, String more) throws Exception {
        return server.post(
                "/v1/load_lora_adapter",
                "{'lora_name': 'task', 'lora_path': '" + Demo.adapter(adapter) + "'" + more + "}");
    }

    private String answer(String prompt) throws Exception {
        return server.post("/v1/completions", "{'model': 'task', 'temperature': 0, 'prompt': '" + prompt + "'}")
                .json()
                .at("/choices/0/text")
                .stringValue();
    }

    private static void assertError(RunningServer.Answer answer, int status, String type) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.error().path("type").stringValue()).isEqualTo(type);
        assertThat(answer.error().path("code").intValue()).isEqualTo(status);
    }

    @Test
    void loadsReplacesAndUnloads() throws Exception {
        RunningServer.Answer loaded = load("to-roman", "");
        assertThat(loaded.status()).isEqualTo(200);
        assertThat(loaded.body()).isEqualTo("Success: LoRA adapter 'task' added successfully.");
        assertThat(answer("1994 =>")).isEqualTo("MCMXCIV");

        RunningServer.Answer again = load("to-cron", "");
        assertError(again, 400, "InvalidUserInput");
        assertThat(again.error().path("message").stringValue()).contains("has already been loaded", "'load_inplace'");
        assertThat(answer("1994 =>")).isEqualTo("MCMXCIV");

        assertThat(load("to-cron", ", 'load_inplace': true").status()).isEqualTo(200);
        assertThat(answer("every weekday at 7:45 in the morning =>")).isEqualTo("45 7 * * 1-5");

        RunningServer.Answer unloaded = server.post("/v1/unload_lora_adapter", "{'lora_name': 'task'}");
        assertThat(unloaded.status()).isEqualTo(200);
        assertThat(unloaded.body()).isEqualTo("Success: LoRA adapter 'task' removed successfully.");
        assertError(server.post("/v1/unload_lora_adapter", "{'lora_name': 'task'}"), 404, "NotFoundError");
        assertThat(server.post("/v1/completions", "{'model': 'task', 'prompt': 'x'}")
                        .status())
                .isEqualTo(404);
    }

    @Test
    void saysWhatIsWrong() throws Exception {
        assertError(server.post("/v1/load_lora_adapter", "{'lora_name': 'x'}"), 400, "InvalidUserInput");
        assertError(server.post("/v1/load_lora_adapter", "{'lora_path': 'x'}"), 400, "InvalidUserInput");
        assertError(server.post("/v1/unload_lora_adapter", "{}"), 400, "InvalidUserInput");
        assertError(load("no-such-adapter", ""), 404, "NotFoundError");
        RunningServer.Answer outside = server.post("/v1/load_lora_adapter", "{'lora_name': 'x', 'lora_path': '/etc'}");
        assertError(outside, 400, "BadRequestError");
        assertThat(outside.error().path("message").stringValue()).contains("outside the folders");
    }
}
