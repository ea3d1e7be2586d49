package lorikeet.runtime.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Golden;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Options;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every reference set: logits and greedy tokens, alone and mixed, texts and chats. */
class GoldenTest {
    @TestFactory
    Stream<DynamicNode> matchesTransformersAndPeft() {
        return Golden.sets().stream()
                .map(set -> DynamicTest.dynamicTest(set.getFileName().toString(), () -> check(set, DeviceChoice.CPU)));
    }

    @TestFactory
    Stream<DynamicNode> matchesTransformersAndPeftOnAGpu() {
        CudaProbe probe = CudaDriver.probe();
        return Golden.sets().stream()
                .map(set -> DynamicTest.dynamicTest(set.getFileName() + " on a GPU", () -> {
                    assumeTrue(probe instanceof CudaProbe.Available, () -> "needs a GPU: " + probe.summary());
                    check(set, new DeviceChoice.Cuda(-1));
                }));
    }

    private static void check(Path set, DeviceChoice device) {
        Reference reference = Reference.read(set.resolve("golden.json"));
        assertThat(reference.requests()).isNotEmpty();
        // Steps so short that prompts come in pieces, beside other requests' tokens.
        Options options = Options.DEFAULT.device(device).stepTokens(33).threads(2);
        try (Lorikeet model = Lorikeet.open(set.resolve("model"), options)) {
            Verifier verifier =
                    new Verifier(model, reference, set.resolve("adapters"), Tolerance.of(model.precision()));
            for (Verifier.Section section : verifier.sections()) {
                Verifier.Result result = verifier.run(section, () -> {});
                assertThat(result.differences()).as(section.name()).isEmpty();
            }
        }
    }

    /** A verifier that finds nothing is only worth something if it would. */
    @Test
    void reportsWhatIsWrong(@TempDir Path folder) {
        Path set = Golden.set("llama");
        Reference right = Reference.read(set.resolve("golden.json"));
        Reference.ReferenceRequest first = right.requests().getFirst();
        float[] logits = first.logits().clone();
        logits[17] += 0.01f;
        int[] greedy = first.greedy().clone();
        greedy[0] = (greedy[0] + 1) % logits.length;
        Reference wrong = new Reference(
                List.of(new Reference.ReferenceRequest(null, first.prompt(), logits, greedy, first.margins())),
                List.of(new Reference.ReferenceText("Hello", new int[] {1}, "Hello")),
                List.of());
        try (Lorikeet model = Lorikeet.open(set.resolve("model"))) {
            Verifier verifier = new Verifier(model, wrong, folder, Tolerance.FLOAT32);
            List<Verifier.Result> results = verifier.sections().stream()
                    .map(section -> verifier.run(section, () -> {}))
                    .toList();
            assertThat(results.get(0).differences())
                    .hasSize(2)
                    .anySatisfy(line -> assertThat(line).contains("logits are off by"))
                    .anySatisfy(line -> assertThat(line).contains("greedy token 0"));
            assertThat(results.get(1).differences()).hasSize(2);
            assertThat(results.get(2).differences()).hasSize(2);
            assertThat(results.get(3).differences()).isEmpty();
        }
    }
}
