package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Choice;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lorikeet demo}: one mixed batch over the demo model's adapters, as a table. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Shows one batch in which every request may use another adapter.",
        description = {
            "",
            "Opens the small model that comes with Lorikeet and its adapters, runs one batch over all of them and the",
            "base model, and prints what each answered."
        })
final class DemoCommand implements Callable<Integer> {
    private static final int MAX_BASE_TOKENS = 24;
    private static final int MAX_TOKENS = 80;

    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "The demo's folder (default: the one that came with it).")
    private @Nullable Path folder;

    @Mixin
    private ModelOptions options = new ModelOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    DemoCommand() {}

    /** One request of the demo's batch. */
    private record Row(
            @Nullable String adapter,
            String prompt,
            @Nullable String expected) {}

    @Override
    public Integer call() {
        Path demo = folder != null ? folder : find();
        JsonObject prompts = JsonFile.read(demo.resolve("prompts.json"));
        List<Row> rows = prompts.objects("batch").stream()
                .map(row -> new Row(
                        row.string("adapter").orElse(null),
                        row.string("prompt").orElseThrow(() -> row.missing("prompt")),
                        row.string("expected").orElse(null)))
                .toList();
        PrintWriter out = spec.commandLine().getOut();
        long start = System.nanoTime();
        try (Lorikeet model =
                options.open(demo.resolve("model"), spec.commandLine().getErr())) {
            long opened = System.nanoTime();
            Map<String, Adapter> adapters = load(model, demo, prompts);
            long loaded = System.nanoTime();
            List<Answer> answers = model.generate(requests(rows, adapters));
            long done = System.nanoTime();
            printTable(out, prompts, rows, answers);
            printAdapters(out, adapters);
            printSummary(out, model, answers, new long[] {opened - start, loaded - opened, done - loaded});
            out.flush();
            return rows.size() == right(rows, answers) + open(rows) ? 0 : 1;
        }
    }

    /** The demo that came with Lorikeet. */
    static Path find() {
        String home = System.getProperty("lorikeet.home", ".");
        return Stream.of(Path.of(home, "demo"), Path.of("runtime", "demo"))
                .filter(path -> Files.exists(path.resolve("prompts.json")))
                .findFirst()
                .orElseThrow(() -> new LorikeetException(
                        ErrorCode.NOT_FOUND, "the demo's folder is not here; --folder says where it is"));
    }

    private static Map<String, Adapter> load(Lorikeet model, Path demo, JsonObject prompts) {
        JsonObject described = prompts.object("adapters").orElseThrow(() -> prompts.missing("adapters"));
        Map<String, Adapter> adapters = new LinkedHashMap<>();
        for (String name : described.names()) {
            adapters.put(name, model.load(name, demo.resolve("adapters").resolve(name)));
        }
        return adapters;
    }

    private static List<Request> requests(List<Row> rows, Map<String, Adapter> adapters) {
        List<Request> requests = new ArrayList<>();
        for (Row row : rows) {
            requests.add(Request.text(row.prompt)
                    .adapter(row.adapter == null ? null : adapters.get(row.adapter))
                    .sampling(SamplingSettings.GREEDY)
                    .maxTokens(row.expected == null ? MAX_BASE_TOKENS : MAX_TOKENS));
        }
        return requests;
    }

    private static boolean isRight(Row row, Answer answer) {
        return row.expected != null && row.expected.equals(answer.text());
    }

    private static int right(List<Row> rows, List<Answer> answers) {
        int right = 0;
        for (int i = 0; i < rows.size(); i++) {
            if (isRight(rows.get(i), answers.get(i))) {
                right++;
            }
        }
        return right;
    }

    private static int open(List<Row> rows) {
        return (int) rows.stream().filter(row -> row.expected == null).count();
    }

    private static void printTable(PrintWriter out, JsonObject prompts, List<Row> rows, List<Answer> answers) {
        JsonObject described = prompts.object("adapters").orElseThrow(() -> prompts.missing("adapters"));
        String last = "";
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            String adapter = row.adapter == null ? "" : row.adapter;
            if (i == 0 || !adapter.equals(last)) {
                out.println();
                out.println(
                        row.adapter == null
                                ? "base model: " + prompts.string("base").orElse("")
                                : "adapter " + adapter + ": "
                                        + described.string(adapter).orElse(""));
            }
            last = adapter;
            String mark = row.expected == null ? " " : isRight(row, answers.get(i)) ? "✓" : "✗";
            out.println(
                    "  " + mark + " " + row.prompt + " " + answers.get(i).text().strip());
        }
    }

    private static void printAdapters(PrintWriter out, Map<String, Adapter> adapters) {
        out.println();
        out.printf(Locale.ROOT, "%-14s %10s %9s%n", "adapter", "rank up to", "size");
        adapters.forEach((name, adapter) ->
                out.printf(Locale.ROOT, "%-14s %10d %6.0f kB%n", name, adapter.maxRank(), adapter.bytes() / 1e3));
    }

    private void printSummary(PrintWriter out, Lorikeet model, List<Answer> answers, long[] nanos) {
        int promptTokens = answers.stream()
                .mapToInt(answer -> answer.promptTokens().size())
                .sum();
        int tokens = 0;
        for (Answer answer : answers) {
            for (Choice choice : answer.choices()) {
                tokens += choice.tokens().size();
            }
        }
        out.println();
        out.println("What happened underneath:");
        out.printf(
                Locale.ROOT, "  one base model, opened in %.0f ms: its weights are mapped, not read%n", nanos[0] / 1e6);
        out.printf(
                Locale.ROOT,
                "  %d adapters, loaded in %.1f ms%n",
                model.adapters().size(),
                nanos[1] / 1e6);
        out.printf(
                Locale.ROOT,
                "  %d requests in one batch: %d prompt tokens and %d generated ones in %d steps, %.0f ms on %s%n",
                answers.size(),
                promptTokens,
                tokens,
                model.steps(),
                nanos[2] / 1e6,
                model.device());
        out.println("  each step read the base weights once for all requests, and each adapter at its own rank");
    }
}
