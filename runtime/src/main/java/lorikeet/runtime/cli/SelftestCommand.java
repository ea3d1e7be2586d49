package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import lorikeet.bindings.CudaDriver;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Devices;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Options;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;
import lorikeet.runtime.verify.DeviceCheck;
import lorikeet.runtime.verify.Reference;
import lorikeet.runtime.verify.SwapStorm;
import lorikeet.runtime.verify.Tolerance;
import lorikeet.runtime.verify.Verifier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lorikeet selftest}: whether this machine computes what it should. */
@Command(
        name = "selftest",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Tests that a device computes what it should: what to run first on a new machine.",
        description = {
            "",
            "Says which device and libraries there are. Then runs random steps of random small models with adapters of",
            "all kinds, and compares what every operation leaves behind with the CPU; compares the demo's answers with",
            "Transformers and PEFT; and asks the demo's adapters while they are replaced again and again. Exits with 0",
            "if all is well, else with 1."
        },
        footer = {"", "Example:", "  lorikeet selftest --device cuda", ""})
final class SelftestCommand implements Callable<Integer> {
    private static final double BFLOAT16_ERROR = 3e-2;
    private static final double FLOAT32_ERROR = 1e-3;
    private static final int MOST_LINES = 12;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description = "What to test: cpu, cuda, cuda:N, or auto (default: ${DEFAULT-VALUE}).")
    private String device = "auto";

    @Option(
            names = "--models",
            paramLabel = "N",
            defaultValue = "20",
            description = "Check the operations on N random models (default: ${DEFAULT-VALUE}).")
    private int models = 20;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            defaultValue = "1",
            description = "Of the first random model (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(
            names = "--storm-seconds",
            paramLabel = "S",
            defaultValue = "5",
            description = "Replace adapters under load for so long (default: ${DEFAULT-VALUE}).")
    private int stormSeconds = 5;

    @Option(
            names = "--demo",
            paramLabel = "DIR",
            description = "The demo's folder (default: the one that came with Lorikeet).")
    private @Nullable Path demoFolder;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    SelftestCommand() {}

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        DeviceChoice choice = DeviceChoice.parse(device);
        Path demo = demoFolder != null ? demoFolder : DemoCommand.find();
        out.println("driver     " + CudaDriver.probe().summary());
        int wrong = operations(out, choice);
        try (Lorikeet model = Lorikeet.open(demo.resolve("model"), Options.DEFAULT.device(choice))) {
            wrong += reference(out, model, demo);
            wrong += storm(out, model, demo);
        }
        out.println(wrong == 0 ? "All is well." : wrong + " differences.");
        out.flush();
        return wrong == 0 ? 0 : 1;
    }

    private int operations(PrintWriter out, DeviceChoice choice) {
        int threads = Runtime.getRuntime().availableProcessors();
        int wrong = 0;
        double largest = 0;
        try (Operations operations = Devices.open(choice, threads).operations();
                Operations reference = new CpuOperations(threads)) {
            out.println("device     " + operations.describe());
            out.flush();
            double limit = operations.activationType() == ElementType.F32 ? FLOAT32_ERROR : BFLOAT16_ERROR;
            DeviceCheck check = new DeviceCheck(operations, reference, limit);
            for (int i = 0; i < models; i++) {
                DeviceCheck.Result result = check.run(seed + i);
                largest = Math.max(largest, result.largestError());
                if (!result.differences().isEmpty()) {
                    out.println("model " + (seed + i) + ": " + result.shape());
                    lines(out, result.differences());
                    wrong += result.differences().size();
                }
            }
        }
        row(
                out,
                "operations",
                wrong,
                String.format(Locale.ROOT, "%d random models, errors up to %.2g", models, largest));
        return wrong;
    }

    private static int reference(PrintWriter out, Lorikeet model, Path demo) {
        Verifier verifier = new Verifier(
                model,
                Reference.read(demo.resolve("golden.json")),
                demo.resolve("adapters"),
                Tolerance.of(model.precision()));
        int wrong = 0;
        for (Verifier.Section section : verifier.sections()) {
            Verifier.Result result = verifier.run(section, () -> {});
            lines(out, result.differences());
            wrong += result.differences().size();
            String error = result.largestError() > 0
                    ? String.format(Locale.ROOT, ", logits within %.2g", result.largestError())
                    : "";
            row(out, "reference", result.differences().size(), result.cases() + " cases, " + result.section() + error);
        }
        return wrong;
    }

    private int storm(PrintWriter out, Lorikeet model, Path demo) {
        JsonObject prompts = JsonFile.read(demo.resolve("prompts.json"));
        List<SwapStorm.Case> cases = new ArrayList<>();
        for (JsonObject row : prompts.objects("batch")) {
            String adapter = row.string("adapter").orElse("");
            String expected = row.string("expected").orElse("");
            if (!adapter.isEmpty() && !expected.isEmpty()) {
                Path folder = demo.resolve("adapters").resolve(adapter);
                String prompt = row.string("prompt").orElseThrow(() -> row.missing("prompt"));
                cases.add(new SwapStorm.Case(adapter, folder, prompt, expected));
            }
        }
        SwapStorm.Result result = new SwapStorm(model, cases).run(Duration.ofSeconds(stormSeconds), seed);
        lines(out, result.differences());
        row(
                out,
                "storm",
                result.differences().size(),
                result.answers() + " answers while " + result.replaced() + " adapters were replaced, " + stormSeconds
                        + " s");
        return result.differences().size();
    }

    private static void lines(PrintWriter out, List<String> differences) {
        differences.stream().limit(MOST_LINES).forEach(line -> out.println("    " + line));
        if (differences.size() > MOST_LINES) {
            out.println("    and " + (differences.size() - MOST_LINES) + " more");
        }
    }

    private static void row(PrintWriter out, String what, int wrong, String details) {
        out.printf(Locale.ROOT, "%-10s %-6s %s%n", what, wrong == 0 ? "ok" : "WRONG", details);
        out.flush();
    }
}
