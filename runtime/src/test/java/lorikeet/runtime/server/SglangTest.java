package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lorikeet.runtime.TestDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** SGLang's endpoints, fields, phrases and statuses. */
final class SglangTest {
    private static final String GREEDY = "'sampling_params': {'temperature': 0, 'max_new_tokens': 16}";

    private RunningServer server;

    @BeforeEach
    void start() {
        server = RunningServer.start();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private RunningServer.Answer load(String name, String adapter, String more) throws Exception {
        return server.post(
                "/load_lora_adapter",
                "{'lora_name': '" + name + "', 'lora_path': '" + Demo.adapter(adapter) + "'" + more + "}");
    }

    private RunningServer.Answer unload(String name, String more) throws Exception {
        return server.post("/unload_lora_adapter", "{'lora_name': '" + name + "'" + more + "}");
    }

    @Test
    void anAdapterComesAndGoes() throws Exception {
        JsonNode loaded = load("roman", "to-roman", "").json();
        assertThat(loaded.path("success").booleanValue()).isTrue();
        assertThat(loaded.path("error_message").isNull()).isTrue();
        assertThat(loaded.path("loaded_adapters").path("roman").stringValue()).endsWith("to-roman");

        RunningServer.Answer again = load("roman", "to-roman", "");
        assertThat(again.status()).isEqualTo(400);
        assertThat(again.json().path("success").booleanValue()).isFalse();
        assertThat(again.json().path("error_message").stringValue()).contains("already loaded");
        assertThat(again.json().path("loaded_adapters").size()).isEqualTo(1);

        String request = "{'text': '1994 =>', 'lora_path': 'roman', " + GREEDY + "}";
        assertThat(server.post("/generate", request).json().path("text").stringValue())
                .isEqualTo("MCMXCIV");

        JsonNode unloaded = unload("roman", "").json();
        assertThat(unloaded.path("success").booleanValue()).isTrue();
        assertThat(unloaded.path("loaded_adapters").isEmpty()).isTrue();
        RunningServer.Answer gone = server.post("/generate", request);
        assertThat(gone.status()).isEqualTo(400);
        assertThat(gone.error().path("message").stringValue()).contains("never been loaded");
        RunningServer.Answer twice = unload("roman", "");
        assertThat(twice.status()).isEqualTo(400);
        assertThat(twice.json().path("error_message").stringValue()).contains("never been loaded");
    }

    @Test
    void anAdapterIsReplacedInPlace() throws Exception {
        load("task", "to-roman", "");
        assertThat(load("task", "to-cron", ", 'load_inplace': true").status()).isEqualTo(200);
        String request = "{'text': 'every weekday at 7:45 in the morning =>', 'lora_path': 'task', " + GREEDY + "}";
        assertThat(server.post("/generate", request).json().path("text").stringValue())
                .isEqualTo("45 7 * * 1-5");
    }

    @Test
    void anAnswerMayBeMadeLongerThanTheModelLikes() throws Exception {
        load("roman", "to-roman", "");
        JsonNode answer = server.post(
                        "/generate",
                        "{'text': ['1994 =>', '1994 =>'], 'lora_path': 'roman', 'sampling_params': "
                                + "[{'temperature': 0, 'max_new_tokens': 16, 'min_new_tokens': 12}, "
                                + "{'temperature': 0, 'max_new_tokens': 16}]}")
                .json();
        assertThat(answer.at("/0/meta_info/completion_tokens").intValue()).isBetween(12, 16);
        assertThat(answer.at("/1/text").stringValue()).isEqualTo("MCMXCIV");
    }

    @Test
    void unloadsAtOnceOrWithADeadline() throws Exception {
        load("a", "to-roman", "");
        load("b", "to-roman", "");
        assertThat(unload("a", ", 'abort': true").status()).isEqualTo(200);
        assertThat(unload("b", ", 'deadline_seconds': 1").status()).isEqualTo(200);
        assertThat(server.get("/adapters").json().path("adapters").isEmpty()).isTrue();
    }

    @Test
    void aLoadThatFailsSaysWhy(@TempDir Path elsewhere) throws Exception {
        RunningServer.Answer missing = load("x", "no-such-adapter", "");
        assertThat(missing.status()).isEqualTo(400);
        assertThat(missing.json().path("error_message").stringValue()).contains("no-such-adapter");
        RunningServer.Answer outside =
                server.post("/load_lora_adapter", "{'lora_name': 'x', 'lora_path': '" + elsewhere + "'}");
        assertThat(outside.status()).isEqualTo(400);
        assertThat(outside.json().path("error_message").stringValue()).contains("outside the folders");
        RunningServer.Answer up = load("x", "../../../..", "");
        assertThat(up.json().path("error_message").stringValue()).contains("outside the folders");
        RunningServer.Answer base = load("demo", "to-roman", "");
        assertThat(base.json().path("error_message").stringValue()).contains("names the base model");
        RunningServer.Answer nameless = server.post("/load_lora_adapter", "{'lora_path': 'x'}");
        assertThat(nameless.status()).isEqualTo(400);
        assertThat(nameless.error().path("param").stringValue()).isEqualTo("lora_name");
        assertThat(server.get("/adapters").json().path("adapters").isEmpty()).isTrue();
    }

    @Test
    void adaptersShowTheirStateAndCanBePinned() throws Exception {
        load("roman", "to-roman", "");
        JsonNode adapter = server.get("/adapters").json().at("/adapters/0");
        assertThat(adapter.path("name").stringValue()).isEqualTo("roman");
        assertThat(adapter.path("state").stringValue()).isEqualTo("ready");
        assertThat(adapter.path("pinned").booleanValue()).isFalse();
        assertThat(adapter.path("max_rank").intValue()).isEqualTo(16);
        RunningServer.Answer pinned = server.post("/pin_lora_adapter", "{'lora_name': 'roman', 'pinned': true}");
        assertThat(pinned.status()).isEqualTo(200);
        assertThat(pinned.json().at("/adapters/0/pinned").booleanValue()).isTrue();
        server.post("/generate", "{'text': '1994 =>', 'lora_path': 'roman', " + GREEDY + "}");
        assertThat(server.get("/adapters").json().at("/adapters/0/state").stringValue())
                .isEqualTo("resident");
        RunningServer.Answer unknown = server.post("/pin_lora_adapter", "{'lora_name': 'nobody'}");
        assertThat(unknown.status()).isEqualTo(404);
    }

    @Test
    void pinningEverythingIsRefused() throws Exception {
        try (RunningServer other = new RunningServer(TestDevice.OPTIONS.batchAdapters(2), settings -> settings)) {
            for (String name : List.of("to-roman", "to-sql")) {
                pinned(other, name);
            }
            RunningServer.Answer last = pinned(other, "to-cron");
            assertThat(last.status()).isEqualTo(400);
            assertThat(last.json().path("error_message").stringValue()).contains("starvation");
            assertThat(last.json().path("loaded_adapters").has("to-cron")).isFalse();
        }
    }

    private static RunningServer.Answer pinned(RunningServer server, String name) throws Exception {
        return server.post(
                "/load_lora_adapter",
                "{'lora_name': '" + name + "', 'lora_path': '" + Demo.adapter(name) + "', 'pinned': true}");
    }

    @Test
    void tooHighARankIsIncompatible() throws Exception {
        try (RunningServer other = new RunningServer(TestDevice.OPTIONS.highestRank(8), settings -> settings)) {
            RunningServer.Answer refused = other.post(
                    "/load_lora_adapter", "{'lora_name': 'x', 'lora_path': '" + Demo.adapter("to-roman") + "'}");
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.json().path("error_message").stringValue()).contains("incompatible");
        }
    }

    @Test
    void generatesForSeveralAdaptersAtOnce() throws Exception {
        load("roman", "to-roman", "");
        load("dates", "date-iso", "");
        RunningServer.Answer answer = server.post(
                "/generate",
                "{'text': ['1994 =>', 'July the twentieth, 1969 =>', '1994 =>'], 'lora_path': ['roman', 'dates', null], "
                        + GREEDY + "}");
        JsonNode list = answer.json();
        assertThat(list.get(0).path("text").stringValue()).isEqualTo("MCMXCIV");
        assertThat(list.get(1).path("text").stringValue()).isEqualTo("1969-07-20");
        assertThat(list.get(2).path("text").stringValue()).isNotEqualTo("MCMXCIV");
        JsonNode meta = list.get(0).path("meta_info");
        assertThat(meta.path("finish_reason").path("type").stringValue()).isEqualTo("stop");
        assertThat(meta.path("finish_reason").path("matched").intValue()).isZero();
        assertThat(meta.path("prompt_tokens").intValue()).isEqualTo(6);
        assertThat(meta.path("completion_tokens").intValue()).isEqualTo(8);
        assertThat(list.get(0).path("output_ids").size()).isEqualTo(8);
        assertThat(meta.path("e2e_latency").isNumber()).isTrue();
        assertThat(meta.has("output_token_logprobs")).isFalse();
    }

    @Test
    void refusesAMixedCallWholly() throws Exception {
        load("roman", "to-roman", "");
        RunningServer.Answer answer = server.post(
                "/generate", "{'text': ['1994 =>', '1994 =>'], 'lora_path': ['roman', 'nobody'], " + GREEDY + "}");
        assertThat(answer.status()).isEqualTo(400);
        Eventually.until(
                "nobody holds the adapter",
                () -> server.model.adapter("roman").orElseThrow().activeRequests() == 0);
    }

    @Test
    void givesLogProbabilities() throws Exception {
        JsonNode meta = server.post(
                        "/generate",
                        "{'input_ids': [76, 5, 9], 'return_logprob': true, 'logprob_start_len': 0, 'top_logprobs_num': 2, "
                                + "'return_text_in_logprobs': true, 'sampling_params': {'max_new_tokens': 3, 'temperature': 0, "
                                + "'ignore_eos': true}}")
                .json()
                .path("meta_info");
        assertThat(meta.path("input_token_logprobs").size()).isEqualTo(3);
        assertThat(meta.at("/input_token_logprobs/0/0").isNull()).isTrue();
        assertThat(meta.at("/input_token_logprobs/0/1").intValue()).isEqualTo(76);
        assertThat(meta.at("/input_token_logprobs/1/0").floatValue()).isNegative();
        assertThat(meta.at("/input_top_logprobs/0").isNull()).isTrue();
        assertThat(meta.at("/input_top_logprobs/1").size()).isEqualTo(2);
        assertThat(meta.at("/output_token_logprobs").size()).isEqualTo(3);
        assertThat(meta.at("/output_token_logprobs/0/2").isString()).isTrue();
        assertThat(meta.at("/output_top_logprobs/0").size()).isEqualTo(2);
        assertThat(meta.path("output_token_logprobs_length").intValue()).isEqualTo(3);
        assertThat(meta.path("finish_reason").path("length").intValue()).isEqualTo(3);

        JsonNode outputOnly = server.post(
                        "/generate",
                        "{'input_ids': [76, 5, 9], 'return_logprob': true, 'sampling_params': {'max_new_tokens': 1}}")
                .json()
                .path("meta_info");
        assertThat(outputOnly.path("input_token_logprobs").isEmpty()).isTrue();
        assertThat(outputOnly.path("output_token_logprobs").size()).isEqualTo(1);
        assertThat(outputOnly.has("output_top_logprobs")).isFalse();
    }

    @Test
    void streamsTextsThatGrow() throws Exception {
        load("roman", "to-roman", "");
        RunningServer.Answer answer =
                server.post("/generate", "{'text': '1994 =>', 'lora_path': 'roman', 'stream': true, " + GREEDY + "}");
        assertThat(answer.body()).endsWith("data: [DONE]\n\n");
        List<String> texts = answer.events().stream()
                .map(event -> event.path("text").stringValue())
                .toList();
        assertThat(texts).isSortedAccordingTo((a, b) -> Integer.compare(a.length(), b.length()));
        assertThat(texts.getLast()).isEqualTo("MCMXCIV");
        assertThat(answer.events().getFirst().at("/meta_info/finish_reason").isNull())
                .isTrue();
        assertThat(answer.events().getLast().at("/meta_info/finish_reason/type").stringValue())
                .isEqualTo("stop");

        RunningServer.Answer several = server.post(
                "/generate", "{'text': ['1994 =>', '1994 =>'], 'lora_path': 'roman', 'stream': true, " + GREEDY + "}");
        assertThat(several.events().stream().map(event -> event.path("index").intValue()))
                .contains(0, 1);
        RunningServer.Answer choices = server.post(
                "/generate", "{'text': '1994 =>', 'sampling_params': {'n': 3, 'max_new_tokens': 2, 'stop': ['Q']}}");
        assertThat(choices.json().size()).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'text': 'x', 'sampling_params': {'regex': 'a'}              | sampling_params.regex",
                "'text': 'x', 'sampling_params': {'min_new_tokens': -1}      | sampling_params.min_new_tokens",
                "'text': 'x', 'sampling_params': {'skip_special_tokens': 0}  | sampling_params.skip_special_tokens",
                "'text': 'x', 'sampling_params': {'temprature': 1}           | sampling_params.temprature",
                "'text': 'x', 'sampling_params': {'max_new_tokens': -1}      | sampling_params.max_new_tokens",
                "'text': ['x', 'y'], 'sampling_params': [{}]                 | sampling_params",
                "'text': ['x', 'y'], 'lora_path': ['a']                      | lora_path",
                "'text': 'x', 'lora_path': 5                                 | lora_path",
                "'text': 'x', 'return_logprob': 1                            | return_logprob",
                "'text': 'x', 'return_logprob': true, 'logprob_start_len': 9 | logprob_start_len",
                "'text': 'x', 'input_ids': [1]                               | text",
                "'stream': true                                              | text",
                "'input_ids': [-1]                                           | input_ids",
                "'input_ids': [[]]                                           | input_ids",
                "'input_ids': {'a': 5}                                       | input_ids",
                "'input_ids': [[5], 6]                                       | input_ids",
                "'text': 'x', 'image_data': 'y'                              | image_data",
                "'text': 'x', 'token_ids_logprob': [1]                       | token_ids_logprob"
            },
            quoteCharacter = '`')
    void refusesByName(String fields, String parameter) throws Exception {
        RunningServer.Answer answer = server.post("/generate", "{" + fields + "}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.error().path("param").asString()).isEqualTo(parameter);
        assertThat(answer.error().path("message").isString()).isTrue();
    }

    @Test
    void specialTokensShowWhereTheyAreWanted() throws Exception {
        load("roman", "to-roman", "");
        assertThat(roman("'skip_special_tokens': false")).isEqualTo("MCMXCIV");
        assertThat(roman("'no_stop_trim': true")).isEqualTo("MCMXCIV");
        assertThat(roman("'skip_special_tokens': false, 'no_stop_trim': true")).isEqualTo("MCMXCIV<|end|>");
        assertThat(roman("'skip_special_tokens': false, 'ignore_eos': true")).startsWith("MCMXCIV<|end|>");
        assertThat(server.post(
                                "/v1/completions",
                                "{'model': 'roman', 'prompt': '1994 =>', 'temperature': 0, 'skip_special_tokens': false, "
                                        + "'include_stop_str_in_output': true, 'logprobs': 0}")
                        .json()
                        .at("/choices/0/text")
                        .stringValue())
                .isEqualTo("MCMXCIV<|end|>");
    }

    private String roman(String parameters) throws Exception {
        return server.post(
                        "/generate",
                        "{'text': '1994 =>', 'lora_path': 'roman', 'sampling_params': {'temperature': 0, "
                                + "'max_new_tokens': 12, " + parameters + "}}")
                .json()
                .path("text")
                .stringValue();
    }

    @Test
    void namesAreShortAndPrintable() throws Exception {
        for (String name : List.of("x".repeat(257), "a\\nb", "\\ud800", "a\\udc00b", "\\u0000", " ")) {
            RunningServer.Answer refused = load(name, "to-roman", "");
            assertThat(refused.status()).as(name).isEqualTo(400);
            assertThat(refused.json().path("error_message").stringValue())
                    .as(name)
                    .contains("must be printable");
        }
        assertThat(load("x".repeat(256), "to-roman", "").status()).isEqualTo(200);
        assertThat(load("\\ud83e\\udd9c", "to-roman", "").status()).isEqualTo(200);
        RunningServer.Answer unknown = server.post("/v1/completions", "{'model': '\\ud800', 'prompt': 'x'}");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.error().path("code").stringValue()).isEqualTo("model_not_found");
    }

    @Test
    void saysWhatItServes() throws Exception {
        for (String path : List.of("/get_model_info", "/model_info")) {
            JsonNode info = server.get(path).json();
            assertThat(info.path("model_path").stringValue()).isEqualTo(Demo.MODEL.toString());
            assertThat(info.path("is_generation").booleanValue()).isTrue();
            assertThat(info.path("model_type").stringValue()).isEqualTo("llama");
        }
        assertThat(server.get("/health").status()).isEqualTo(200);
        assertThat(server.get("/health_generate").status()).isEqualTo(200);
    }

    @Test
    void aBrokenAdapterIsIncompatibleOrInvalid(@TempDir Path folder) throws Exception {
        Path adapter = Files.createDirectories(folder.resolve("broken"));
        Files.writeString(
                adapter.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\", \"r\": 4, \"bias\": \"all\"}");
        try (RunningServer other = RunningServer.withRoot(folder)) {
            RunningServer.Answer answer =
                    other.post("/load_lora_adapter", "{'lora_name': 'x', 'lora_path': '" + adapter + "'}");
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.json().path("error_message").stringValue()).contains("incompatible");
        }
    }
}
