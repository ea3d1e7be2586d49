package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final List<ChatMessage> HELLO = List.of(ChatMessage.of("user", "Hello"));
    private static final List<Map<String, Object>> TOOLS = List.of(Map.of("name", "find"));

    @TempDir
    Path folder;

    @Test
    void modelWithoutTemplateHasNone() {
        assertThat(ChatTemplate.find(folder)).isEmpty();
        write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"chat_template\": null}");
        assertThat(ChatTemplate.find(folder)).isEmpty();
    }

    @Test
    void takesTheTemplateFromItsOwnFileBeforeThatInTheConfiguration() {
        write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"chat_template\": \"config\"}");
        assertThat(render(ChatOptions.of(true))).isEqualTo("config");
        write("chat_template.json", "{\"chat_template\": \"json\"}");
        assertThat(render(ChatOptions.of(true))).isEqualTo("json");
        write("chat_template.jinja", "{{ bos_token }}{{ messages[0].content }}\n");
        assertThat(render(ChatOptions.of(true))).isEqualTo("<s>Hello");
    }

    @Test
    void choosesAmongNamedTemplates() {
        write("tokenizer_config.json", """
                {"chat_template": [{"name": "default", "template": "plain"},
                                   {"name": "tool_use", "template": "{{ tools | length }} tools"},
                                   {"name": "rag", "template": "{{ documents[0].title }}"}]}""");
        ChatTemplate template = ChatTemplate.find(folder).orElseThrow();
        ChatOptions options = ChatOptions.of(true);
        assertThat(template.names()).containsExactly("default", "tool_use", "rag");
        assertThat(template.render(HELLO, options)).isEqualTo("plain");
        assertThat(template.render(HELLO, options.withTools(TOOLS))).isEqualTo("1 tools");
        assertThat(template.render("rag", HELLO, options.withDocuments(List.of(Map.of("title", "T")))))
                .isEqualTo("T");
        assertThatThrownBy(() -> template.render("other", HELLO, options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("other");
    }

    @Test
    void findsAdditionalTemplatesInTheirFolder() throws IOException {
        Files.createDirectory(folder.resolve("additional_chat_templates"));
        write("chat_template.jinja", "plain");
        write("additional_chat_templates/tool_use.jinja", "with tools");
        assertThat(render(ChatOptions.of(true))).isEqualTo("plain");
        assertThat(render(ChatOptions.of(true).withTools(TOOLS))).isEqualTo("with tools");
    }

    @Test
    void saysWhichFileIsMalformed() throws IOException {
        String file = "tokenizer_config.json";
        write(file, "{\"chat_template\": 7}");
        assertInvalid(file);
        write(file, "{\"chat_template\": [{\"name\": \"default\"}]}");
        assertInvalid(file);
        write(file, "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"x\"}]}");
        assertThatThrownBy(() -> render(ChatOptions.of(true)))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("rag");
        Files.write(folder.resolve("chat_template.jinja"), new byte[] {'a', (byte) 0xFF});
        assertInvalid("chat_template.jinja");
        write("chat_template.jinja", "a\nb {% if %}");
        ChatTemplateException e = catchThrowableOfType(ChatTemplateException.class, () -> ChatTemplate.find(folder));
        assertThat(e.kind()).isEqualTo(ChatTemplateException.Kind.SYNTAX);
        assertThat(e.line()).isEqualTo(2);
        assertThat(e).hasMessageContaining("chat_template.jinja, line 2");
    }

    private void assertInvalid(String file) {
        ChatTemplateException e = catchThrowableOfType(ChatTemplateException.class, () -> ChatTemplate.find(folder));
        assertThat(e.kind()).isEqualTo(ChatTemplateException.Kind.INVALID_FILE);
        assertThat(e).hasMessageContaining(file);
    }

    @Test
    void tellsWhatTheTemplateRefuses() {
        ChatTemplate template = template("{{ 'x' }}\n{{ raise_exception('No ' ~ messages[0].role ~ '!') }}");
        ChatTemplateException e =
                catchThrowableOfType(ChatTemplateException.class, () -> template.render(HELLO, ChatOptions.of(true)));
        assertThat(e.kind()).isEqualTo(ChatTemplateException.Kind.REFUSED);
        assertThat(e.problem()).isEqualTo("No user!");
        assertThat(e.line()).isEqualTo(2);
    }

    @Test
    void tellsAnUndefinedValueAndItsLine() {
        ChatTemplateException e = catchThrowableOfType(
                ChatTemplateException.class,
                () -> template("a\n{{ nothing.at_all }}").render(HELLO, ChatOptions.of(true)));
        assertThat(e.kind()).isEqualTo(ChatTemplateException.Kind.EVALUATION);
        assertThat(e.problem()).contains("nothing");
        assertThat(e.line()).isEqualTo(2);
    }

    @Test
    void givesTheTemplateItsVariables() {
        String shown = "{{ bos_token }}|{{ eos_token }}|{{ add_generation_prompt }}|{{ tools is none }}|{{ thinking }}";
        ChatOptions options = ChatOptions.of(false).withVariables(Map.of("thinking", false));
        assertThat(template(shown).render(HELLO, options)).isEqualTo("<s>|</s>|False|True|False");
        assertThat(template(shown).render(HELLO, ChatOptions.of(true).withTools(TOOLS)))
                .isEqualTo("<s>|</s>|True|False|");
        assertThat(template("{{ bos_token }}").render(HELLO, options.withVariables(Map.of("bos_token", "mine"))))
                .isEqualTo("mine");
    }

    @Test
    void endsWithThePromptForTheAssistantIfAsked() {
        ChatTemplate template = template("""
                {%- for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}
                {%- if add_generation_prompt %}<assistant>{% endif %}""");
        assertThat(template.render(HELLO, ChatOptions.of(true))).isEqualTo("<user>Hello</s><assistant>");
        assertThat(template.render(HELLO, ChatOptions.of(false))).isEqualTo("<user>Hello</s>");
    }

    @Test
    void tellsTheTimeOfTheClock() {
        Clock clock = Clock.fixed(Instant.parse("2024-07-06T15:04:05Z"), ZoneOffset.UTC);
        ChatOptions options = ChatOptions.of(true).withClock(clock);
        assertThat(template("{{ strftime_now('%d %b %Y') }}, {{ strftime_now('%A %-d, %H:%M') }}")
                        .render(HELLO, options))
                .isEqualTo("06 Jul 2024, Saturday 6, 15:04");
    }

    @Test
    void writesJsonAsTransformersDoes() {
        List<Map<String, Object>> tools = List.of(Map.of("p", List.of("größe", "<&>'", 1.0)));
        ChatOptions options = ChatOptions.of(true).withTools(tools);
        assertThat(template("{{ tools[0] | tojson }}").render(HELLO, options))
                .isEqualTo("{\"p\": [\"größe\", \"<&>'\", 1.0]}");
        assertThat(template("{{ tools[0] | tojson(indent=2) }}").render(HELLO, options))
                .isEqualTo("{\n  \"p\": [\n    \"größe\",\n    \"<&>'\",\n    1.0\n  ]\n}");
        assertThat(template("{{ tools[0].p[0] | tojson(ensure_ascii=true) }}").render(HELLO, options))
                .isEqualTo("\"gr\\u00f6\\u00dfe\"");
    }

    @Test
    void knowsGenerationBlocksAndLoopControls() {
        assertThat(template("a{% generation %}b{% set x = 1 %}{% endgeneration %}{{ x is defined }}")
                        .render(HELLO, ChatOptions.of(true)))
                .isEqualTo("abFalse");
        assertThat(template("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 4 %}{% break %}"
                                + "{% endif %}{{ i }}{% endfor %}")
                        .render(HELLO, ChatOptions.of(true)))
                .isEqualTo("023");
    }

    @Test
    void recursiveLoopsCallThemselves() {
        String walk = "{% for n in variable recursive %}{{ loop.depth }}{{ n.v }}"
                + "{% if n.c %}({{ loop(n.c) }}){% endif %}{% endfor %}";
        Object tree = List.of(
                Map.of("v", "a", "c", List.of(Map.of("v", "b"), Map.of("v", "c", "c", List.of(Map.of("v", "d"))))),
                Map.of("v", "e"));
        ChatOptions options = ChatOptions.of(true).withVariables(Map.of("variable", tree));
        assertThat(template(walk).render(HELLO, options)).isEqualTo("1a(2b2c(3d))1e");
        assertThatThrownBy(() -> template("{% for i in [1] %}{{ loop([2]) }}{% endfor %}")
                        .render(HELLO, options))
                .hasMessageContaining("recursive");
    }

    /** What a rendering does to lists and maps must not be seen by the next one, nor by the caller. */
    @Test
    void changesNothingThatItIsGiven() {
        List<Object> list = new ArrayList<>(List.of(1, 2));
        ChatOptions options = ChatOptions.of(true).withVariables(Map.of("l", list));
        for (String attempt :
                List.of("{{ l.append(3) }}", "{{ l.pop() }}", "{{ messages.clear() }}", "{{ l | indent }}")) {
            assertThatThrownBy(() -> template(attempt).render(HELLO, options))
                    .isInstanceOf(ChatTemplateException.class);
        }
        assertThat(template("{% set l = l + [3] %}{{ l }}").render(HELLO, options))
                .isEqualTo("[1, 2, 3]");
        assertThat(list).containsExactly(1, 2);
    }

    @Test
    void refusesVariablesThatAreNoData() {
        ChatOptions options = ChatOptions.of(true).withVariables(Map.of("thread", Thread.currentThread()));
        assertThatThrownBy(() -> template("x").render(HELLO, options))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("java.lang.Thread");
    }

    private String render(ChatOptions options) {
        return ChatTemplate.find(folder).orElseThrow().render(HELLO, options);
    }

    private static ChatTemplate template(String text) {
        return ChatTemplate.of(text, Map.of("bos_token", "<s>", "eos_token", "</s>"));
    }

    private void write(String file, String text) {
        SmallTokenizers.write(folder, file, text);
    }
}
