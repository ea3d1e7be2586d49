package lorikeet.runtime.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.TokenListener;
import lorikeet.runtime.server.generation.Prompts;
import lorikeet.runtime.server.generation.RequestLimits;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.generation.TokenTexts;
import lorikeet.runtime.server.http.Json;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a conversation becomes, with a template that shows all that it is given. */
final class ChatCallTest {
    private static final Path DEMO = Path.of("demo", "model");
    private static final String TEMPLATE = "{% for tool in tools or [] %}{{ tool.function.name }} {% endfor %}"
            + "{% for message in messages %}{{ message.content }}"
            + "{% for call in message.tool_calls %}{{ call.function.arguments.key }}{% endfor %}{% endfor %}";
    private static final String QUESTION =
            "{'role': 'user', 'content': [{'type': 'text', 'text': 'ab'}, {'type': 'text', 'text': 'cd'}]}";
    private static final String TOOLS = ", 'tools': [{'type': 'function', 'function': {'name': 'fox'}}]";

    @TempDir
    private static Path folder;

    private static Lorikeet model;
    private static Serving serving;

    @BeforeAll
    static void open() throws IOException {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(DEMO.resolve(file), folder.resolve(file));
        }
        Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);
        model = Lorikeet.open(folder);
        serving = new Serving(
                model,
                "demo",
                Instant.EPOCH,
                new RequestLimits(1, 1, 64, 100),
                new Prompts(model, 64),
                new TokenTexts(model.tokenizer()),
                request -> TokenListener.NONE);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static ChatCall read(String fields) {
        String json = "{" + fields.replace('\'', '"') + "}";
        return ChatCall.read(Json.object(json.getBytes(StandardCharsets.UTF_8)), serving);
    }

    private static String prompt(String fields) {
        return serving.texts().text(read(fields).prompt());
    }

    @Test
    void partsOfAContentAreJoined() {
        assertThat(prompt("'messages': [" + QUESTION + "]")).isEqualTo("ab\ncd");
    }

    @Test
    void toolsGoToTheTemplateUnlessNoneIsToBeUsed() {
        assertThat(prompt("'messages': [" + QUESTION + "]" + TOOLS)).isEqualTo("fox ab\ncd");
        assertThat(prompt("'messages': [" + QUESTION + "], 'tool_choice': 'none'" + TOOLS))
                .isEqualTo("ab\ncd");
    }

    @Test
    void argumentsOfACallAreAnObjectToTheTemplate() {
        String call =
                "{'role': 'assistant', 'content': null, 'tool_calls': [{'id': 'a', 'type': 'function', 'function': "
                        + "{'name': 'fox', 'arguments': '{\\'key\\': \\'value\\'}'}}]}";
        assertThat(prompt("'messages': [" + QUESTION + "," + call + "]")).isEqualTo("ab\ncdvalue");
    }

    @Test
    void withoutALimitTheAnswerMayFillTheContext() {
        ChatCall call = read("'messages': [" + QUESTION + "]");
        assertThat(call.maxTokens()).isEqualTo(64 - call.prompt().size());
        assertThat(read("'messages': [" + QUESTION + "], 'max_tokens': 5").maxTokens())
                .isEqualTo(5);
        assertThat(read("'messages': [" + QUESTION + "], 'max_tokens': 5, 'max_completion_tokens': 6")
                        .maxTokens())
                .isEqualTo(6);
    }
}
