package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import lorikeet.runtime.TestDevice;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** OpenAI's endpoints as they go over the wire: every form of a request, and every error's status and body. */
final class OpenAiTest {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";

    private static RunningServer server;

    @BeforeAll
    static void start() throws Exception {
        server = RunningServer.start();
        server.load("to-roman");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static String roman(String more) {
        return "{'model': 'to-roman', 'temperature': 0, " + more + "}";
    }

    private static List<String> texts(JsonNode answer) {
        return StreamSupport.stream(answer.path("choices").spliterator(), false)
                .map(choice -> choice.path("text").stringValue())
                .toList();
    }

    @Test
    void takesPromptsInEveryForm() throws Exception {
        String ids = server.post(
                        "/generate",
                        "{'text': '1994 =>', 'sampling_params': {'max_new_tokens': 0}, 'return_logprob': true, "
                                + "'logprob_start_len': 0}")
                .json()
                .at("/meta_info/input_token_logprobs")
                .valueStream()
                .map(entry -> entry.get(1).toString())
                .collect(Collectors.joining(",", "[", "]"));
        for (String prompt : List.of("'1994 =>'", "['1994 =>']", ids, "[" + ids + "]")) {
            JsonNode answer =
                    server.post(COMPLETIONS, roman("'prompt': " + prompt)).json();
            assertThat(texts(answer)).as(prompt).containsExactly("MCMXCIV");
        }
        JsonNode both = server.post(COMPLETIONS, roman("'prompt': [" + ids + "," + ids + "]"))
                .json();
        assertThat(texts(both)).containsExactly("MCMXCIV", "MCMXCIV");
        assertThat(both.at("/usage/prompt_tokens").intValue()).isEqualTo(12);
    }

    @Test
    void echoesAndScoresThePrompt() throws Exception {
        JsonNode answer = server.post(COMPLETIONS, roman("'prompt': '1994 =>', 'echo': true, 'logprobs': 1"))
                .json();
        assertThat(texts(answer)).containsExactly("1994 =>MCMXCIV");
        JsonNode probs = answer.at("/choices/0/logprobs");
        assertThat(probs.path("token_logprobs").get(0).isNull()).isTrue();
        assertThat(probs.path("top_logprobs").get(0).isNull()).isTrue();
        String joined =
                probs.path("tokens").valueStream().map(JsonNode::stringValue).collect(Collectors.joining());
        assertThat(joined).startsWith("1994 =>MCMXCIV");
        int last = probs.path("text_offset").size() - 1;
        assertThat(probs.path("text_offset").get(last).intValue()).isEqualTo("1994 =>MCMXCIV".length());

        JsonNode scored = server.post(
                        COMPLETIONS, roman("'prompt': '1994 =>', 'echo': true, 'logprobs': 0, 'max_tokens': 0"))
                .json();
        assertThat(texts(scored)).containsExactly("1994 =>");
        assertThat(scored.at("/choices/0/logprobs/tokens").size()).isEqualTo(6);
        assertThat(scored.at("/usage/completion_tokens").intValue()).isZero();
        assertThat(scored.at("/choices/0/finish_reason").stringValue()).isEqualTo("length");
        for (int i = 1; i < 6; i++) {
            assertThat(scored.at("/choices/0/logprobs/token_logprobs/" + i).floatValue())
                    .isEqualTo(probs.path("token_logprobs").get(i).floatValue());
        }
    }

    @Test
    void aStreamGivesTheSameTextAndEndsWithDone() throws Exception {
        RunningServer.Answer answer =
                server.post(COMPLETIONS, roman("'prompt': '1994 =>', 'echo': true, 'stream': true"));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.response().headers().firstValue("Content-Type").orElseThrow())
                .startsWith("text/event-stream");
        assertThat(answer.body()).endsWith("data: [DONE]\n\n");
        String text = answer.events().stream()
                .map(event -> event.at("/choices/0/text").stringValue())
                .collect(Collectors.joining());
        assertThat(text).isEqualTo("1994 =>MCMXCIV");
        assertThat(answer.events().getLast().at("/choices/0/finish_reason").stringValue())
                .isEqualTo("stop");
    }

    @Test
    void stopsWhereItIsTold() throws Exception {
        assertThat(texts(server.post(COMPLETIONS, roman("'prompt': '1994 =>', 'stop': 'XC'"))
                        .json()))
                .containsExactly("MCM");
        assertThat(texts(server.post(
                                COMPLETIONS,
                                roman("'prompt': '1994 =>', 'stop': ['XC', 'Q'], 'include_stop_str_in_output': true"))
                        .json()))
                .containsExactly("MCMXC");
        JsonNode cut = server.post(COMPLETIONS, roman("'prompt': '1994 =>', 'max_tokens': 2"))
                .json();
        assertThat(cut.at("/choices/0/finish_reason").stringValue()).isEqualTo("length");
    }

    @Test
    void aSeedRepeatsADraw() throws Exception {
        String request = "{'prompt': 'Once', 'seed': 5, 'n': 3, 'max_tokens': 8, 'temperature': 3}";
        List<String> first = texts(server.post(COMPLETIONS, request).json());
        assertThat(first).hasSize(3).doesNotHaveDuplicates();
        assertThat(texts(server.post(COMPLETIONS, request).json())).isEqualTo(first);
    }

    @Test
    void withoutANameTheBaseModelAnswers() throws Exception {
        JsonNode answer =
                server.post(COMPLETIONS, "{'prompt': 'Once', 'max_tokens': 1}").json();
        assertThat(answer.path("model").stringValue()).isEqualTo("demo");
    }

    @Test
    void anAnswerMayBeMadeLongerThanTheModelLikes() throws Exception {
        for (String more : List.of("", ", 'ignore_eos': true", ", 'stop_token_ids': [5]")) {
            JsonNode answer = server.post(
                            COMPLETIONS, roman("'prompt': '1994 =>', 'max_tokens': 16, 'min_tokens': 12" + more))
                    .json();
            assertThat(answer.at("/usage/completion_tokens").intValue()).isBetween(12, 16);
            assertThat(texts(answer).getFirst()).startsWith("MCMXCIV").hasSizeGreaterThan(7);
        }
        JsonNode stopped = server.post(
                        COMPLETIONS, roman("'prompt': '1994 =>', 'max_tokens': 16, 'min_tokens': 12, 'stop': 'X'"))
                .json();
        assertThat(texts(stopped)).containsExactly("MCM");
        RunningServer.Answer mixedUp =
                server.post(COMPLETIONS, roman("'prompt': '1994 =>', 'max_tokens': 5, 'min_tokens': 6"));
        assertThat(mixedUp.status()).isEqualTo(400);
        assertThat(mixedUp.error().path("message").stringValue()).contains("at least 6", "at most 5");
    }

    @Test
    void someTokensMayBeMadeMoreLikelyOrLess() throws Exception {
        JsonNode ids = server.post(
                        "/generate",
                        "{'text': '1994 =>', 'lora_path': 'to-roman', 'sampling_params': {'temperature': 0}}")
                .json()
                .path("output_ids");
        int first = ids.get(0).intValue();
        int second = ids.get(1).intValue();
        JsonNode without = server.post(
                        COMPLETIONS, roman("'prompt': '1994 =>', 'logprobs': 5, 'logit_bias': {'" + first + "': -100}"))
                .json();
        assertThat(texts(without).getFirst()).isNotEmpty().doesNotContain("M");
        JsonNode only = server.post(
                        COMPLETIONS,
                        roman("'prompt': '1994 =>', 'max_tokens': 5, 'logit_bias': {'" + second + "': 100}"))
                .json();
        assertThat(texts(only)).containsExactly("CCCCC");
    }

    @Test
    void aStreamThatEndsWithTheUsageSaysSoAllAlong() throws Exception {
        for (String path : List.of(COMPLETIONS, CHAT)) {
            String prompt = path.equals(CHAT) ? "'messages': [{'role': 'user', 'content': 'x'}]" : "'prompt': 'x'";
            String body = "{" + prompt + ", 'max_tokens': 3, 'ignore_eos': true, 'stream': true";
            List<JsonNode> with = server.post(path, body + ", 'stream_options': {'include_usage': true}}")
                    .events();
            assertThat(with.getLast().at("/usage/completion_tokens").intValue()).isEqualTo(3);
            assertThat(with.getLast().path("choices").isEmpty()).isTrue();
            assertThat(with.subList(0, with.size() - 1))
                    .isNotEmpty()
                    .allMatch(chunk -> chunk.path("usage").isNull());
            assertThat(server.post(path, body + "}").events()).isNotEmpty().noneMatch(chunk -> chunk.has("usage"));
        }
    }

    @Test
    void harmlessFieldsArePassedOver() throws Exception {
        String harmless = "'user': 'me', 'metadata': {'a': 'b'}, 'best_of': 1, 'logit_bias': {}, 'suffix': null, "
                + "'response_format': {'type': 'text'}, 'store': true, 'service_tier': 'auto', 'min_tokens': 0";
        assertThat(texts(server.post(COMPLETIONS, roman("'prompt': '1994 =>', " + harmless))
                        .json()))
                .containsExactly("MCMXCIV");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'prompt': 'x', 'best_of': 3                          | best_of         | unsupported",
                "'prompt': 'x', 'suffix': 'y'                         | suffix          | unsupported",
                "'prompt': 'x', 'logit_bias': {'5': 101}              | logit_bias.5    |",
                "'prompt': 'x', 'logit_bias': {'x': 1}                | logit_bias      |",
                "'prompt': 'x', 'logit_bias': {'-1': 1}               | logit_bias      |",
                "'prompt': 'x', 'logit_bias': [5]                     | logit_bias      |",
                "'prompt': 'x', 'min_tokens': -1                      | min_tokens      |",
                "'prompt': 'x', 'response_format': {'type': 'json_object'} | response_format | unsupported",
                "'prompt': 'x', 'guided_regex': 'a+'                  | guided_regex    | unsupported",
                "'prompt': 'x', 'lora_path': 'a'                      | lora_path       | unsupported",
                "'prompt': 'x', 'surprise': 1                         | surprise        | unknown_parameter",
                "'max_tokens': 5                                      | prompt          | missing_required_parameter",
                "'prompt': 7                                          | prompt          |",
                "'prompt': []                                         | prompt          |",
                "'prompt': ['a', 5]                                   | prompt          |",
                "'prompt': ''                                         | prompt          |",
                "'prompt': [100000]                                   | prompt          |",
                "'prompt': ['a', 'b', 'c', 'd', 'e']                  | prompt          |",
                "'prompt': 'x', 'n': 0                                | n               |",
                "'prompt': 'x', 'n': 17                               | n               |",
                "'prompt': 'x', 'max_tokens': 0                       | max_tokens      |",
                "'prompt': 'x', 'max_tokens': 1.5                     | max_tokens      |",
                "'prompt': 'x', 'max_tokens': 300                     | max_tokens      | context_length_exceeded",
                "'prompt': 'x', 'temperature': -1                     | temperature     |",
                "'prompt': 'x', 'temperature': 'hot'                  | temperature     |",
                "'prompt': 'x', 'top_p': 2                            | top_p           |",
                "'prompt': 'x', 'presence_penalty': 3                 | presence_penalty |",
                "'prompt': 'x', 'logprobs': 21                        | logprobs        |",
                "'prompt': 'x', 'logprobs': true                      | logprobs        |",
                "'prompt': 'x', 'stop': ''                            | stop            |",
                "'prompt': 'x', 'stop': 5                             | stop            |",
                "'prompt': 'x', 'seed': 'a'                           | seed            |",
                "'prompt': 'x', 'stream': 1                           | stream          |",
                "'prompt': 'x', 'stream_options': {'include_usage': true} | stream_options |",
                "'prompt': 'x', 'stop_token_ids': 5                   | stop_token_ids  |",
                "'prompt': 'x', 'model': 5                            | model           |"
            },
            quoteCharacter = '`')
    void refusesByName(String fields, String parameter, String code) throws Exception {
        RunningServer.Answer answer = server.post(COMPLETIONS, "{" + fields + "}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.error().path("param").asString()).isEqualTo(parameter);
        assertThat(answer.error().path("message").stringValue()).contains("'" + parameter + "'");
        assertThat(answer.error().path("type").stringValue()).isEqualTo("invalid_request_error");
        if (code != null) {
            assertThat(answer.error().path("code").asString()).isEqualTo(code);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'messages': []                                                    | messages",
                "'messages': [{'content': 'x'}]                                    | messages[0].role",
                "'messages': [{'role': 'user', 'content': [{'type': 'image_url'}]}] | messages[0].content[0].type",
                "'messages': [{'role': 'user', 'content': [{'type': 'text'}]}]     | messages[0].content[0].text",
                "'messages': [{'role': 'user', 'content': 'x'}], 'tool_choice': 'required' | tool_choice",
                "'messages': [{'role': 'user', 'content': 'x'}], 'top_logprobs': 2 | top_logprobs",
                "'messages': [{'role': 'user', 'content': 'x'}], 'functions': [{}] | functions",
                "'messages': [{'role': 'user', 'content': 'x'}], 'max_completion_tokens': 0 | max_completion_tokens",
                "'messages': [{'role': 'user', 'content': 'x'}], 'response_format': {'type': 'json_schema'} | response_format",
                "'prompt': 'x' | messages"
            },
            quoteCharacter = '`')
    void refusesChatsByName(String fields, String parameter) throws Exception {
        RunningServer.Answer answer = server.post(CHAT, "{" + fields + "}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.error().path("param").asString()).isEqualTo(parameter);
    }

    @ParameterizedTest
    @CsvSource({"nobody", "demo:nobody", "demo:", "../adapters/to-roman"})
    void anUnknownModelIsNotFound(String name) throws Exception {
        for (String request : List.of(
                "{'model': '" + name + "', 'prompt': 'x'}",
                "{'model': '" + name + "', 'prompt': 'x', 'stream': true}")) {
            assertNotFound(server.post(COMPLETIONS, request));
        }
        assertNotFound(server.post(CHAT, "{'model': '" + name + "', 'messages': [{'role': 'user', 'content': 'x'}]}"));
    }

    private static void assertNotFound(RunningServer.Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(404);
        assertThat(answer.error().path("code").stringValue()).isEqualTo("model_not_found");
        assertThat(answer.error().path("param").stringValue()).isEqualTo("model");
        assertThat(answer.error().path("message").isString()).isTrue();
    }

    @Test
    void aPromptThatIsTooLongIsRefused() throws Exception {
        String prompt = "fox ".repeat(300);
        RunningServer.Answer answer = server.post(COMPLETIONS, "{'prompt': '" + prompt + "'}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.error().path("code").stringValue()).isEqualTo("context_length_exceeded");
        String huge = "x".repeat(1 << 20);
        assertThat(server.post(COMPLETIONS, "{'prompt': '" + huge + "'}")
                        .error()
                        .path("code")
                        .stringValue())
                .isEqualTo("context_length_exceeded");
    }

    @Test
    void theContextIsNoLongerThanTheCache() throws Exception {
        try (RunningServer small = new RunningServer(TestDevice.OPTIONS.cacheTokens(64), settings -> settings)) {
            JsonNode card = small.get("/v1/models").json().at("/data/0");
            assertThat(card.path("max_model_len").intValue()).isEqualTo(64);
            String chat = "{'messages': [{'role': 'user', 'content': 'fox'}], 'ignore_eos': true}";
            JsonNode answer = small.post(CHAT, chat).json();
            assertThat(answer.at("/usage/total_tokens").intValue()).isEqualTo(64);
        }
    }

    @Test
    void whatIsNotJsonIsRefused() throws Exception {
        for (String body : List.of("", "{", "[]", "'x'", "{'prompt': 'x'} {}", "{'prompt': 'x', 'prompt': 'y'}")) {
            RunningServer.Answer answer = server.post(COMPLETIONS, body);
            assertThat(answer.status()).as(body).isEqualTo(400);
            assertThat(answer.error().path("type").stringValue()).isEqualTo("invalid_request_error");
        }
        String deep = "{'prompt': " + "[".repeat(5000) + "]".repeat(5000) + "}";
        assertThat(server.post(COMPLETIONS, deep).status()).isEqualTo(400);
    }

    @Test
    void wrongPathsMethodsAndTypes() throws IOException, InterruptedException {
        assertThat(server.get("/v1/nothing").status()).isEqualTo(404);
        assertThat(server.get("/v1/nothing").error().path("code").stringValue()).isEqualTo("unknown_url");
        assertThat(server.get(COMPLETIONS).status()).isEqualTo(405);
        assertThat(server.post("/v1/models", "{}").status()).isEqualTo(405);
        assertThat(server.get("/v1/models/").status()).isEqualTo(404);
        RunningServer.Answer form = server.send(
                HttpRequest.newBuilder().POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"x\"}")), COMPLETIONS);
        assertThat(form.status()).isEqualTo(415);
        assertThat(form.error().path("message").stringValue()).contains("application/json");
    }
}
