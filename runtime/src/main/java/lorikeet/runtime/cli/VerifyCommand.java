package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.verify.Reference;
import lorikeet.runtime.verify.Tolerance;
import lorikeet.runtime.verify.Verifier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lorikeet verify}: compares with reference outputs of Transformers and PEFT. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Compares Lorikeet with reference outputs of Transformers and PEFT.",
        description = {
            "",
            "Runs each request of the reference file alone, then all of them in one batch, then the tokenizer's and the",
            "chat template's cases, and reports each difference. Exits with 0 if there are none, else with 1."
        },
        footer = {"", "Example:", "  lorikeet verify --golden reference/golden.json", ""})
final class VerifyCommand implements Callable<Integer> {
    @Option(
            names = "--golden",
            required = true,
            paramLabel = "FILE",
            description = "The reference outputs: requests with logits and greedy tokens, texts, and chats.")
    private Path golden = Path.of("");

    @Option(names = "--model", paramLabel = "DIR", description = "The checkpoint (default: model/ beside the file).")
    private @Nullable Path model;

    @Option(
            names = "--adapters",
            paramLabel = "DIR",
            description = "The folder that holds the adapters' folders (default: adapters/ beside the file).")
    private @Nullable Path adapters;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    VerifyCommand() {}

    @Override
    public Integer call() {
        Reference reference = Reference.read(golden);
        Path checkpoint = model != null ? model : golden.resolveSibling("model");
        Path folder = adapters != null ? adapters : golden.resolveSibling("adapters");
        PrintWriter out = spec.commandLine().getOut();
        int differences = 0;
        try (Lorikeet lorikeet = options.open(checkpoint, spec.commandLine().getErr())) {
            Verifier verifier = new Verifier(lorikeet, reference, folder, Tolerance.of(lorikeet.precision()));
            for (Verifier.Section section : verifier.sections()) {
                Verifier.Result result;
                try (Progress progress = Progress.start(section.name(), section.cases())) {
                    result = verifier.run(section, progress::step);
                }
                print(out, result);
                differences += result.differences().size();
            }
        }
        out.println(differences == 0 ? "No differences." : differences + " differences.");
        out.flush();
        return differences == 0 ? 0 : 1;
    }

    private static void print(PrintWriter out, Verifier.Result result) {
        String error = result.largestError() > 0
                ? String.format(Locale.ROOT, ", logits within %.2g", result.largestError())
                : "";
        out.printf(
                Locale.ROOT,
                "%-28s %4d cases, %d differences%s%n",
                result.section(),
                result.cases(),
                result.differences().size(),
                error);
        for (String difference : result.differences()) {
            out.println("  " + difference);
        }
        out.flush();
    }
}
