package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The demo's held-out prompts: the adapters answer as in PEFT, and the base model can't do their tasks. */
final class HeldOutTest {
    private static final Path DEMO = Path.of("demo");

    /** Of 600 answers, where sums are not the reference's to the last bit: two tokens may be nearly equal. */
    private static final int NEAR_TIES = TestDevice.isExact() ? 0 : 6;

    private static JsonObject heldOut;
    private static List<JsonObject> cases;

    @BeforeAll
    static void read() {
        heldOut = JsonFile.read(DEMO.resolve("heldout.json"));
        cases = heldOut.objects("cases");
        assertThat(cases).hasSize(600);
    }

    @Test
    void adaptersAnswerAsInPeft() {
        List<String> differences = new ArrayList<>();
        try (Lorikeet model = Lorikeet.open(DEMO.resolve("model"), TestDevice.OPTIONS)) {
            List<Answer> answers = model.generate(cases.stream()
                    .map(item -> request(item).adapter(adapter(model, item)))
                    .toList());
            for (int i = 0; i < cases.size(); i++) {
                String expected = text(cases.get(i), "peft_answer");
                if (!answers.get(i).text().equals(expected)) {
                    differences.add(text(cases.get(i), "prompt") + " gives "
                            + answers.get(i).text() + ", in PEFT " + expected);
                }
            }
        }
        assertThat(differences).hasSizeLessThanOrEqualTo(NEAR_TIES);
    }

    @Test
    void baseModelCannotDoTheTasks() {
        Map<String, Integer> right = new TreeMap<>();
        try (Lorikeet model = Lorikeet.open(DEMO.resolve("model"), TestDevice.OPTIONS)) {
            List<Answer> answers =
                    model.generate(cases.stream().map(HeldOutTest::request).toList());
            for (int i = 0; i < cases.size(); i++) {
                boolean same = answers.get(i).text().strip().equals(text(cases.get(i), "expected"));
                right.merge(text(cases.get(i), "adapter"), same ? 1 : 0, Integer::sum);
            }
        }
        assertThat(right)
                .hasSize(6)
                .allSatisfy((task, count) -> assertThat(count).isLessThan(5));
    }

    private static Request request(JsonObject item) {
        return Request.text(text(item, "prompt")).maxTokens(heldOut.integer("max_new_tokens", 1));
    }

    private static Adapter adapter(Lorikeet model, JsonObject item) {
        String name = text(item, "adapter");
        return model.adapter(name)
                .orElseGet(() -> model.load(name, DEMO.resolve("adapters").resolve(name)));
    }

    private static String text(JsonObject item, String field) {
        return item.string(field).orElseThrow(() -> item.missing(field));
    }
}
