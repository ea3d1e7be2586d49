package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What Transformers' {@code apply_chat_template} makes of chats. */
class RecordedChatsTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    @TestFactory
    Stream<DynamicTest> rendersTheCheckpointsChats() {
        return Golden.SETS.stream()
                .flatMap(set -> Stream.of("chat", "chat_extra")
                        .flatMap(key -> Golden.recorded(set).path(key).valueStream())
                        .map(chat -> DynamicTest.dynamicTest(
                                set + ": " + chat.path("name").asString("plain"), () -> check(set, chat))));
    }

    private static void check(String set, JsonNode chat) {
        ChatTemplate template = ChatTemplate.find(Golden.model(set)).orElseThrow();
        List<ChatMessage> messages = messages(chat.path("messages"));
        ChatOptions options = ChatOptions.of(chat.path("add_generation_prompt").asBoolean(true));
        if (chat.has("tools")) {
            options = options.withTools(JSON.convertValue(chat.path("tools"), new TypeReference<>() {}));
        }
        if (chat.has("variables")) {
            options = options.withVariables(JSON.convertValue(chat.path("variables"), new TypeReference<>() {}));
        }
        ChatOptions complete = options;
        if (chat.has("error")) {
            ChatTemplateException refused =
                    catchThrowableOfType(ChatTemplateException.class, () -> template.render(messages, complete));
            assertThat(refused.kind()).isEqualTo(ChatTemplateException.Kind.REFUSED);
            assertThat(refused.problem()).isEqualTo(chat.path("error").asString());
            return;
        }
        String text = template.render(messages, complete);
        assertThat(text).isEqualTo(chat.path("text").asString());
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model(set))) {
            assertThat(tokenizer.encode(text, false)).isEqualTo(Golden.ids(chat.path("ids")));
        }
    }

    @Test
    void rendersSmallTemplates() {
        JsonNode recorded = Golden.json("/templates/snippets.json");
        List<ChatMessage> messages = messages(recorded.path("messages"));
        Map<String, String> special = Map.of(
                "bos_token", recorded.path("bos_token").asString(),
                "eos_token", recorded.path("eos_token").asString());
        assertThat(recorded.path("cases").size()).isGreaterThan(90);

        List<String> differences = new ArrayList<>();
        for (JsonNode item : recorded.path("cases")) {
            String template = item.path("template").asString();
            String expected = item.has("text") ? item.path("text").asString() : "an error";
            String actual;
            try {
                actual = ChatTemplate.of(template, special).render(messages, ChatOptions.of(true));
            } catch (ChatTemplateException e) {
                actual = item.has("error") ? "an error" : e.toString();
            }
            if (!actual.equals(expected)) {
                differences.add(template + "\n  recorded " + expected + "\n  rendered " + actual);
            }
        }
        assertThat(differences).as(() -> String.join("\n", differences)).isEmpty();
    }

    private static List<ChatMessage> messages(JsonNode array) {
        List<Map<String, Object>> messages = JSON.convertValue(array, new TypeReference<>() {});
        return messages.stream().map(ChatMessage::new).toList();
    }
}
