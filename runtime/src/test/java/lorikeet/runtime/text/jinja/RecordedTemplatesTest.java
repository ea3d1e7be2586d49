package lorikeet.runtime.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What Python's jinja2, set up as Transformers sets it up, makes of many templates; see record_chat_templates.py. */
final class RecordedTemplatesTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    @Test
    void rendersAndFailsAsRecorded() throws IOException {
        JsonNode recorded = recorded();
        LocalDateTime now = LocalDateTime.parse(recorded.path("now").asString());
        Clock clock = Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
        assertThat(recorded.path("cases").size()).isGreaterThan(3000);

        List<String> differences = new ArrayList<>();
        Set<String> differing = new TreeSet<>();
        for (JsonNode item : recorded.path("cases")) {
            String template = item.path("template").asString();
            String expected = expected(item);
            String actual = actual(template, variables(recorded, item), clock);
            boolean same = expected.equals("an error") ? !actual.startsWith("text:") : actual.startsWith(expected);
            if (!same || (expected.startsWith("text:") && !actual.equals(expected))) {
                differing.add(item.path("name").asString());
                differences.add("%s: %s%n  recorded %s%n  rendered %s"
                        .formatted(item.path("name").asString(), template, expected, actual));
            }
        }
        assertThat(differing)
                .as(() -> differences.size() + " cases differ:\n" + String.join("\n", differences))
                .isEqualTo(new TreeSet<>(knownDifferences()));
    }

    /** Anew for each case, because templates may change what they are given. */
    private static Map<String, Object> variables(JsonNode recorded, JsonNode item) {
        JsonNode values = recorded.path("variables").path(item.path("variables").asInt());
        return JSON.convertValue(values, new TypeReference<>() {});
    }

    /** The names of cases that still differ: the list may only get shorter. */
    private static List<String> knownDifferences() throws IOException {
        String name = "/chat-templates/known-differences.txt";
        try (InputStream in = Objects.requireNonNull(RecordedTemplatesTest.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    private static JsonNode recorded() throws IOException {
        String name = "/chat-templates/cases.json";
        try (InputStream in = Objects.requireNonNull(RecordedTemplatesTest.class.getResourceAsStream(name), name)) {
            return JSON.readTree(in);
        }
    }

    /** What the case must come to, as the beginning of what {@link #actual} says. */
    private static String expected(JsonNode item) {
        if (item.has("output")) {
            return "text: " + item.path("output").asString();
        }
        if (item.has("raised")) {
            return "RAISED: " + item.path("raised").asString();
        }
        return switch (item.path("error").asString()) {
            case "syntax" -> "SYNTAX: ";
            case "evaluation" -> "EVALUATION: ";
            default -> "an error";
        };
    }

    private static String actual(String template, Map<String, Object> variables, Clock clock) {
        try {
            return "text: " + Template.parse(template).render(variables, Limits.DEFAULT, clock);
        } catch (TemplateException e) {
            return e.kind() + ": " + e.problem();
        } catch (RuntimeException e) {
            return "not a template's failure: " + e;
        }
    }
}
