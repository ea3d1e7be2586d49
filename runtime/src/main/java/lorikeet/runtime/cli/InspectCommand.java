package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.AdapterSummary;
import lorikeet.runtime.adapter.LoadedAdapter;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.text.ChatTemplate;
import lorikeet.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lorikeet inspect}: what is in a checkpoint or an adapter. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Shows what is in a checkpoint or an adapter, and whether Lorikeet can run it.",
        description = {
            "",
            "With --model, an adapter is checked against that base model. Exits with 1 if it is not compatible, or if",
            "something in the folder is not supported; the reason is printed."
        },
        footer = {"", "Examples:", "  lorikeet inspect llama", "  lorikeet inspect --model llama adapters/sql", ""})
final class InspectCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "The folder of a checkpoint or an adapter.")
    private Path folder = Path.of("");

    @Option(names = "--model", paramLabel = "DIR", description = "The base model that an adapter should fit.")
    private @Nullable Path model;

    @Option(names = "--tensors", description = "List every tensor.")
    private boolean tensors;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    InspectCommand() {}

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        try {
            if (Files.exists(folder.resolve("adapter_config.json"))) {
                return inspectAdapter(new Listing(out));
            }
            if (Files.exists(folder.resolve("config.json"))) {
                return inspectCheckpoint(new Listing(out));
            }
        } finally {
            out.flush();
        }
        throw new LorikeetException(
                ErrorCode.NOT_FOUND, folder + ": neither config.json nor adapter_config.json is there");
    }

    private int inspectCheckpoint(Listing listing) {
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                CpuOperations operations = new CpuOperations(1)) {
            checkpoint.weights(operations);
            listing.fact("checkpoint", folder.toString());
            describe(listing, checkpoint.config());
            listing.fact("end tokens", checkpoint.generation().endTokens().toString());
            listing.files(checkpoint.files());
            describeTexts(listing);
            listing.fact("supported", "yes");
            listTensors(listing, checkpoint.files());
        }
        return 0;
    }

    private void describeTexts(Listing listing) {
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            listing.fact("tokenizer", tokenizer.vocabularySize() + " tokens");
        }
        String templates = ChatTemplate.find(folder)
                .map(found -> String.join(", ", found.names()))
                .orElse("none");
        listing.fact("chat template", templates);
    }

    private static void describe(Listing listing, ModelConfig config) {
        listing.fact("architecture", config.family().architecture());
        listing.fact(
                "layers", config.layers() + " of hidden size " + config.hidden() + ", MLP " + config.intermediate());
        listing.fact(
                "attention",
                config.heads() + " heads of " + config.headSize() + ", " + config.kvHeads() + " key and value heads"
                        + windows(config));
        listing.fact(
                "vocabulary",
                config.vocabulary() + " tokens, "
                        + (config.tiedEmbeddings() ? "embedding and head tied" : "embedding and head apart"));
        listing.fact(
                "positions",
                config.maxPositions() + ", rotary: " + config.rope().variant());
    }

    private void listTensors(Listing listing, SafetensorsFolder files) {
        if (tensors) {
            listing.tensors(files);
        }
    }

    private static String windows(ModelConfig config) {
        Set<Integer> windows = new LinkedHashSet<>(config.windows());
        if (windows.equals(Set.of(0))) {
            return "";
        }
        return ", windows "
                + windows.stream()
                        .map(window -> window == 0 ? "full" : String.valueOf(window))
                        .collect(Collectors.joining(" and "));
    }

    private int inspectAdapter(Listing listing) {
        listing.fact("adapter", folder.toString());
        if (model == null) {
            try (AdapterSummary summary = AdapterSummary.open(folder)) {
                listing.fact(
                        "rank, alpha",
                        summary.config().rank() + ", "
                                + Listing.number(summary.config().alpha()));
                listing.fact("base model", summary.baseModel());
                listing.files(summary.files());
                listing.fact("compatible", "not checked: --model names a base model to check against");
                listTensors(listing, summary.files());
            }
            return 0;
        }
        try (Checkpoint checkpoint = Checkpoint.open(model);
                CpuOperations operations = new CpuOperations(1)) {
            try (LoadedAdapter adapter = AdapterLoader.load(folder, checkpoint.weights(operations), operations)) {
                listing.files(adapter.files());
                listing.modules(adapter.modules());
                listing.fact("compatible", "yes, with " + model);
                listTensors(listing, adapter.files());
                return 0;
            } catch (LorikeetException e) {
                listing.fact("compatible", "no: " + e.getMessage());
                return 1;
            }
        }
    }
}
