package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** OpenAI's own Java client finds what it expects. */
final class OpenAiClientTest {
    private static RunningServer server;
    private static OpenAIClient client;

    @BeforeAll
    static void start() throws Exception {
        server = RunningServer.withKeys("use-me", "admin");
        server.load("to-roman");
        server.load("date-iso");
        client = client("use-me");
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(server.url() + "/v1")
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    private static CompletionCreateParams.Builder roman(String prompt) {
        return CompletionCreateParams.builder()
                .model("to-roman")
                .prompt(prompt)
                .temperature(0)
                .maxTokens(16);
    }

    @Test
    void listsModels() throws Exception {
        List<Model> models = client.models().list().data();
        assertThat(models).extracting(Model::id).containsExactly("demo", "to-roman", "date-iso");
        assertThat(client.models().retrieve("to-roman").id()).isEqualTo("to-roman");
        JsonNode adapter = server.get("/v1/models/to-roman", "Authorization", "Bearer use-me")
                .json();
        assertThat(adapter.path("parent").stringValue()).isEqualTo("demo");
        assertThat(adapter.path("root").stringValue())
                .isEqualTo(Demo.adapter("to-roman").toString());
        assertThat(client.models().retrieve("demo:date-iso").id()).isEqualTo("date-iso");
        assertThatThrownBy(() -> client.models().retrieve("nobody")).isInstanceOf(NotFoundException.class);
    }

    @Test
    void completes() {
        Completion completion = client.completions().create(roman("1994 =>").build());
        completion.validate();
        CompletionChoice choice = completion.choices().getFirst();
        assertThat(choice.text()).isEqualTo("MCMXCIV");
        assertThat(choice.finishReason()).isEqualTo(CompletionChoice.FinishReason.STOP);
        assertThat(completion.model()).isEqualTo("to-roman");
        assertThat(completion.usage().orElseThrow().promptTokens()).isEqualTo(6);
        assertThat(completion.usage().orElseThrow().completionTokens()).isEqualTo(8);
    }

    @Test
    void completesSeveralPromptsWithSeveralChoicesAndLogProbs() {
        Completion completion = client.completions()
                .create(roman("unused")
                        .promptOfArrayOfStrings(List.of("1994 =>", "chapter 388 =>"))
                        .n(2)
                        .logprobs(2)
                        .build());
        assertThat(completion.choices())
                .extracting(CompletionChoice::text)
                .containsExactly("MCMXCIV", "MCMXCIV", "CCCLXXXVIII", "CCCLXXXVIII");
        assertThat(completion.choices()).extracting(CompletionChoice::index).containsExactly(0L, 1L, 2L, 3L);
        CompletionChoice.Logprobs probs =
                completion.choices().getFirst().logprobs().orElseThrow();
        assertThat(String.join("", probs.tokens().orElseThrow())).startsWith("MCMXCIV");
        assertThat(probs.tokenLogprobs().orElseThrow()).allMatch(value -> value <= 0);
        assertThat(probs.topLogprobs().orElseThrow())
                .hasSameSizeAs(probs.tokens().orElseThrow());
    }

    @Test
    void streamsACompletion() {
        List<Completion> chunks = new ArrayList<>();
        CompletionCreateParams params = roman("1994 =>")
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<Completion> stream = client.completions().createStreaming(params)) {
            stream.stream().forEach(chunks::add);
        }
        String text = chunks.stream()
                .flatMap(chunk -> chunk.choices().stream())
                .map(CompletionChoice::text)
                .collect(Collectors.joining());
        assertThat(text).isEqualTo("MCMXCIV");
        assertThat(chunks.getLast().choices()).isEmpty();
        assertThat(chunks.getLast().usage().orElseThrow().completionTokens()).isEqualTo(8);
        assertThat(chunks.get(chunks.size() - 2).choices().getFirst().finishReason())
                .isEqualTo(CompletionChoice.FinishReason.STOP);
    }

    private static ChatCompletionCreateParams.Builder chat(String model) {
        return ChatCompletionCreateParams.builder()
                .model(model)
                .addUserMessage("1994 =>")
                .maxCompletionTokens(6)
                .temperature(1)
                .putAdditionalBodyProperty("seed", JsonValue.from(7));
    }

    @Test
    void chats() {
        ChatCompletionCreateParams params =
                chat("demo:to-roman").n(2).logprobs(true).topLogprobs(3).build();
        ChatCompletion completion = client.chat().completions().create(params);
        completion.validate();
        assertThat(completion.choices()).hasSize(2);
        ChatCompletion.Choice choice = completion.choices().getFirst();
        assertThat(choice.logprobs().orElseThrow().content().orElseThrow())
                .isNotEmpty()
                .allMatch(token -> token.topLogprobs().size() == 3);
        assertThat(choice.message().content()).isPresent();
        ChatCompletion again = client.chat().completions().create(params);
        assertThat(again.choices()).isEqualTo(completion.choices());
    }

    @Test
    void streamsAChat() {
        ChatCompletion whole =
                client.chat().completions().create(chat("to-roman").build());
        List<ChatCompletionChunk> chunks = new ArrayList<>();
        ChatCompletionCreateParams params = chat("to-roman")
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(params)) {
            stream.stream().peek(ChatCompletionChunk::validate).forEach(chunks::add);
        }
        String text = chunks.stream()
                .flatMap(chunk -> chunk.choices().stream())
                .flatMap(choice -> choice.delta().content().stream())
                .collect(Collectors.joining());
        assertThat(text)
                .isEqualTo(whole.choices().getFirst().message().content().orElseThrow());
        assertThat(chunks.getFirst().choices().getFirst().delta().role())
                .contains(ChatCompletionChunk.Choice.Delta.Role.ASSISTANT);
        assertThat(chunks.getLast().usage().orElseThrow().totalTokens())
                .isEqualTo(whole.usage().orElseThrow().totalTokens());
    }

    @Test
    void tellsWhatWentWrong() {
        assertThatThrownBy(() ->
                        client.completions().create(roman("x").model("nobody").build()))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("nobody");
        assertThatThrownBy(
                        () -> client.completions().create(roman("x").suffix("y").build()))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("suffix");
        assertThatThrownBy(() ->
                        client.chat().completions().create(chat("demo").n(1000).build()))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("'n'");
        OpenAIClient stranger = client("wrong");
        assertThatThrownBy(() -> stranger.models().list()).isInstanceOf(UnauthorizedException.class);
        stranger.close();
    }
}
