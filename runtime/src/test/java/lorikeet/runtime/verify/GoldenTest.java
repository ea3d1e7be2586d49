package lorikeet.runtime.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.kernels.cuda.CudaShapes;
import lorikeet.memory.ElementType;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Golden;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Options;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ModelConfig;
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
                    checkOnAGpu(set);
                }));
    }

    @TestFactory
    Stream<DynamicNode> matchesOnAGpuWhereNothingDependsOnTheBatch() {
        CudaProbe probe = CudaDriver.probe();
        return Golden.sets().stream()
                .map(set -> DynamicTest.dynamicTest(set.getFileName() + " batch-invariantly", () -> {
                    assumeTrue(probe instanceof CudaProbe.Available, () -> "needs a GPU: " + probe.summary());
                    assumeTrue(refusal(set.resolve("model")).isEmpty(), "a GPU doesn't take its dimensions");
                    check(set, Options.DEFAULT.device(new DeviceChoice.Cuda(-1)).batchInvariant(true));
                }));
    }

    /** Steps that aren't recorded and files that aren't page-locked give the same numbers. */
    @TestFactory
    Stream<DynamicNode> matchesOnAGpuWhateverIsSwitchedOff() {
        CudaProbe probe = CudaDriver.probe();
        return Stream.of("lorikeet.cuda.graphs", "lorikeet.cuda.register")
                .map(property -> DynamicTest.dynamicTest("without " + property, () -> {
                    assumeTrue(probe instanceof CudaProbe.Available, () -> "needs a GPU: " + probe.summary());
                    String before = System.setProperty(property, "false");
                    try {
                        checkOnAGpu(Golden.set("llama"));
                    } finally {
                        if (before == null) {
                            System.clearProperty(property);
                        } else {
                            System.setProperty(property, before);
                        }
                    }
                }));
    }

    /** A set whose dimensions a GPU doesn't take is refused by name, and left to the CPU where that is allowed. */
    private static void checkOnAGpu(Path set) {
        DeviceChoice gpu = new DeviceChoice.Cuda(-1);
        Optional<String> refusal = refusal(set.resolve("model"));
        if (refusal.isEmpty()) {
            check(set, gpu);
            return;
        }
        assertThatThrownBy(() -> Lorikeet.open(set.resolve("model"), Options.DEFAULT.device(gpu)))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INCOMPATIBLE))
                .hasMessageContaining(refusal.get());
        check(set, DeviceChoice.AUTO);
    }

    private static Optional<String> refusal(Path model) {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            ModelConfig config = checkpoint.config();
            return CudaShapes.refusal(config.hidden(), config.headSize());
        }
    }

    private static void check(Path set, DeviceChoice device) {
        check(set, Options.DEFAULT.device(device));
    }

    private static void check(Path set, Options on) {
        Reference reference = Reference.read(set.resolve("golden.json"));
        assertThat(reference.requests()).isNotEmpty();
        // Steps so short that prompts come in pieces, beside other requests' tokens.
        Options options = on.stepTokens(33).threads(2).poolBytes(1L << 30);
        try (Lorikeet model = Lorikeet.open(set.resolve("model"), options)) {
            Tolerance tolerance =
                    model.precision() == ElementType.F32 ? Tolerance.FLOAT32 : Tolerance.BFLOAT16_SMALL_MODEL;
            Verifier verifier = new Verifier(model, reference, set.resolve("adapters"), tolerance);
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
