package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.memory.Tensor;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.AdapterSummary;
import lorikeet.runtime.adapter.LoadedAdapter;
import lorikeet.runtime.adapter.LoadedAdapter.ChangedModule;
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
                return inspectAdapter(out);
            }
            if (Files.exists(folder.resolve("config.json"))) {
                return inspectCheckpoint(out);
            }
        } finally {
            out.flush();
        }
        throw new LorikeetException(
                ErrorCode.NOT_FOUND, folder + ": neither config.json nor adapter_config.json is there");
    }

    private int inspectCheckpoint(PrintWriter out) {
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                CpuOperations operations = new CpuOperations(1)) {
            checkpoint.weights(operations);
            print(out, "checkpoint", folder.toString());
            describe(out, checkpoint.config());
            print(out, "end tokens", checkpoint.generation().endTokens().toString());
            printFiles(out, checkpoint.files());
            describeTexts(out);
            print(out, "supported", "yes");
            listTensors(out, checkpoint.files());
        }
        return 0;
    }

    private void describeTexts(PrintWriter out) {
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            print(out, "tokenizer", tokenizer.vocabularySize() + " tokens");
        }
        String templates = ChatTemplate.find(folder)
                .map(found -> String.join(", ", found.names()))
                .orElse("none");
        print(out, "chat template", templates);
    }

    private static void describe(PrintWriter out, ModelConfig config) {
        print(out, "architecture", config.family().architecture());
        print(out, "layers", config.layers() + " of hidden size " + config.hidden() + ", MLP " + config.intermediate());
        print(
                out,
                "attention",
                config.heads() + " heads of " + config.headSize() + ", " + config.kvHeads() + " key and value heads"
                        + windows(config));
        print(
                out,
                "vocabulary",
                config.vocabulary() + " tokens, "
                        + (config.tiedEmbeddings() ? "embedding and head tied" : "embedding and head apart"));
        print(
                out,
                "positions",
                config.maxPositions() + ", rotary: " + config.rope().variant());
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

    private int inspectAdapter(PrintWriter out) {
        print(out, "adapter", folder.toString());
        if (model == null) {
            try (AdapterSummary summary = AdapterSummary.open(folder)) {
                print(
                        out,
                        "rank, alpha",
                        summary.config().rank() + ", " + number(summary.config().alpha()));
                print(out, "base model", summary.baseModel());
                printFiles(out, summary.files());
                print(out, "compatible", "not checked: --model names a base model to check against");
                listTensors(out, summary.files());
            }
            return 0;
        }
        try (Checkpoint checkpoint = Checkpoint.open(model);
                CpuOperations operations = new CpuOperations(1)) {
            try (LoadedAdapter adapter = AdapterLoader.load(folder, checkpoint.weights(operations), operations)) {
                printFiles(out, adapter.files());
                printModules(out, adapter.modules());
                print(out, "compatible", "yes, with " + model);
                listTensors(out, adapter.files());
                return 0;
            } catch (LorikeetException e) {
                print(out, "compatible", "no: " + e.getMessage());
                return 1;
            }
        }
    }

    /** Modules that differ only in their layer share a line. */
    private static void printModules(PrintWriter out, List<ChangedModule> modules) {
        Map<List<Object>, List<String>> groups = new LinkedHashMap<>();
        for (ChangedModule module : modules) {
            String kind = module.name().replaceFirst("^model\\.layers\\.\\d+\\.", "");
            groups.computeIfAbsent(
                            List.of(kind, module.change(), module.rank(), module.scaling()), key -> new ArrayList<>())
                    .add(module.name());
        }
        groups.forEach((key, names) -> {
            String low = (int) key.get(2) > 0
                    ? ", rank " + key.get(2) + ", scaling " + number(((Float) key.get(3)).doubleValue())
                    : "";
            String layers = names.size() > 1 ? " in " + names.size() + " layers" : "";
            print(out, key.get(0).toString(), key.get(1) + low + layers);
        });
    }

    private static void printFiles(PrintWriter out, SafetensorsFolder files) {
        long bytes = files.tensors().values().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
        String types = count(files, Tensor::type).entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
        print(
                out,
                "tensors",
                types + " in " + files.files().size() + (files.files().size() == 1 ? " file, " : " files, ")
                        + size(bytes));
    }

    private static Map<ElementType, Long> count(SafetensorsFolder files, Function<Tensor, ElementType> key) {
        return files.tensors().values().stream()
                .collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.counting()));
    }

    private void listTensors(PrintWriter out, SafetensorsFolder files) {
        if (!tensors) {
            return;
        }
        out.println();
        for (Tensor tensor : files.tensors().values()) {
            out.printf(
                    Locale.ROOT,
                    "%-5s %-18s %10s  %s%n",
                    tensor.type(),
                    tensor.shape(),
                    size(tensor.data().byteSize()),
                    tensor.name());
        }
    }

    private static void print(PrintWriter out, String name, String value) {
        out.printf(Locale.ROOT, "%-22s %s%n", name, value);
    }

    private static String number(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.format(Locale.ROOT, "%.4g", value);
    }

    private static String size(long bytes) {
        if (bytes < 10_000) {
            return bytes + " B";
        }
        return bytes < 10_000_000
                ? String.format(Locale.ROOT, "%.1f kB", bytes / 1e3)
                : bytes < 10_000_000_000L
                        ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                        : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}
