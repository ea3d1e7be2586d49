package lorikeet.runtime.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What Python's jinja2, set up as Transformers sets it up, makes of many templates; see record_chat_templates.py. */
final class RecordedTemplatesTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Templates that fail otherwise here than there, on purpose. */
    private static final Map<String, String> DELIBERATE = Map.of(
            // The sandbox's bound on ranges is one of this package's limits, and is told as such.
            "{{ range(1000000)|length }}", "LIMIT",
            // There are no other templates to take in; that is known before anything is rendered.
            "{% include 'a' %}", "SYNTAX",
            "{% extends 'a' %}", "SYNTAX",
            // No chat needs the fractional power of a negative number, which is a complex one in Python.
            "{{ (m ** 0.5) }}", "EVALUATION",
            "{% if (m ** f) %}yes{% else %}no{% endif %}", "EVALUATION",
            "{% if dict(r[0], x=(m ** f)) %}yes{% else %}no{% endif %}", "EVALUATION");

    @Test
    void rendersAndFailsAsRecorded() throws IOException {
        JsonNode recorded = recorded();
        LocalDateTime now = LocalDateTime.parse(recorded.path("now").asString());
        Clock clock = Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
        List<Map<String, Object>> variables = JSON.convertValue(recorded.path("variables"), new TypeReference<>() {});
        assertThat(recorded.path("cases").size()).isGreaterThan(3000);

        List<String> differences = new ArrayList<>();
        for (JsonNode item : recorded.path("cases")) {
            String template = item.path("template").asString();
            Outcome expected = expected(item);
            Outcome actual =
                    actual(template, variables.get(item.path("variables").asInt()), clock);
            if (!actual.matches(expected)) {
                differences.add("%s: %s%n  recorded %s%n  rendered %s"
                        .formatted(item.path("name").asString(), template, expected, actual));
            }
        }
        assertThat(differences)
                .as(() -> differences.size() + " cases differ:\n" + String.join("\n", differences))
                .isEmpty();
    }

    private static JsonNode recorded() throws IOException {
        String name = "/chat-templates/cases.json";
        try (InputStream in = Objects.requireNonNull(RecordedTemplatesTest.class.getResourceAsStream(name), name)) {
            return JSON.readTree(in);
        }
    }

    /** What the case must come to. */
    private static Outcome expected(JsonNode item) {
        String deliberate = DELIBERATE.get(item.path("template").asString());
        if (deliberate != null) {
            return new Outcome(deliberate, "");
        }
        if (item.has("output")) {
            return new Outcome("text", item.path("output").asString());
        }
        if (item.has("raised")) {
            return new Outcome("RAISED", item.path("raised").asString());
        }
        return new Outcome(item.path("error").asString().toUpperCase(Locale.ROOT), "");
    }

    private static Outcome actual(String template, Map<String, Object> variables, Clock clock) {
        try {
            return new Outcome("text", Template.parse(template).render(variables, Limits.DEFAULT, clock));
        } catch (TemplateException e) {
            return new Outcome(e.kind().name(), e.problem());
        } catch (RuntimeException e) {
            return new Outcome("not a failure of the template", e.toString());
        }
    }

    /**
     * What a case comes to.
     *
     * @param kind text, a kind of {@link TemplateException}, or, as recorded, ANY of SYNTAX and EVALUATION
     * @param text the output or the message; errors that jinja2 finds itself have no message of record
     */
    private record Outcome(String kind, String text) {
        boolean matches(Outcome recorded) {
            return switch (recorded.kind) {
                case "ANY" -> kind.equals("SYNTAX") || kind.equals("EVALUATION");
                case "SYNTAX", "EVALUATION", "LIMIT" -> kind.equals(recorded.kind);
                default -> equals(recorded);
            };
        }
    }
}
