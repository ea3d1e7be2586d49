package lorikeet.jmh;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;

/**
 * The benchmarks that belong together, run one after the other, and what their numbers are to each other: speed as a part
 * of what the machine can do at the time, so that runs on different machines can be compared.
 */
final class Ratios {
    private final List<RunResult> results = new ArrayList<>();

    /** A benchmark of the set, with the parameters that matter to it. */
    private record Run(String benchmark, List<Parameter> parameters) {
        static Run of(String benchmark, Parameter... parameters) {
            return new Run(benchmark, List.of(parameters));
        }
    }

    private record Parameter(String name, int value) {}

    /** Makes the options of one run, the settings of the command line among them. */
    interface OptionsSource {
        ChainedOptionsBuilder fresh();
    }

    private Ratios() {}

    /**
     * Runs the set, prints the table, and writes all scores as JSON.
     *
     * @param options fresh options for each run
     * @param json the file for the scores
     */
    static void run(OptionsSource options, Path json) throws RunnerException, IOException {
        Ratios ratios = new Ratios();
        for (Run run : set()) {
            ChainedOptionsBuilder builder = options.fresh().include(run.benchmark);
            for (Parameter parameter : run.parameters) {
                builder.param(parameter.name, String.valueOf(parameter.value));
            }
            Collection<RunResult> finished = new Runner(builder.build()).run();
            ratios.results.addAll(finished);
        }
        try (PrintStream out = new PrintStream(json.toFile(), StandardCharsets.UTF_8)) {
            ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(ratios.results);
        }
        System.out.println();
        ratios.table().forEach(System.out::println);
        System.out.println("All scores: " + json);
    }

    private static List<Run> set() {
        List<Run> set = new ArrayList<>();
        for (String name : List.of("MatVec", "FmaPeak", "Prefill", "AdapterLoad")) {
            set.add(Run.of("\\." + name + "\\."));
        }
        for (int[] load : new int[][] {{1, 0}, {4, 1}, {4, 4}, {8, 0}, {8, 1}, {8, 8}}) {
            set.add(Run.of("\\.DecodeStep\\.", new Parameter("requests", load[0]), new Parameter("adapters", load[1])));
        }
        for (int loads : new int[] {0, 20}) {
            set.add(Run.of("\\.LoadWhileDecoding\\.", new Parameter("loads", loads)));
        }
        return set;
    }

    private List<String> table() {
        List<String> lines = new ArrayList<>();
        for (String cols : List.of("1024", "4096")) {
            double read = score("MatVec.read", "cols", cols);
            double product = score("MatVec.product", "cols", cols);
            lines.add(line(
                    "matrix-vector product, bf16 rows of " + cols,
                    String.format(
                            Locale.ROOT,
                            "%.0f %% of the speed of a plain read (%.1f GB/s)",
                            100 * read / product,
                            (1L << 30) / read / 1e6)));
        }
        double peak = score("FmaPeak.widest") * FmaPeak.lanes();
        double prompt = score("Prefill.prompt");
        lines.add(line(
                "prompt of " + Prefill.TOKENS + " tokens",
                String.format(
                        Locale.ROOT,
                        "%.0f %% of the peak of multiply-adds (%.0f G/s); %.0f tokens/s",
                        100 * Prefill.multiplyAdds() / (prompt / 1e3) / peak,
                        peak / 1e9,
                        Prefill.TOKENS / (prompt / 1e3))));
        lines.add(line(
                "loading an adapter of 20 MB, and unloading",
                String.format(Locale.ROOT, "%.2f ms", score("AdapterLoad.loadAndClose"))));
        lines.add(line(
                "99th percentile of the gap between tokens, 8 streams",
                String.format(
                        Locale.ROOT,
                        "%.2f of the same without, while 20 adapters a second are loaded",
                        gap("20") / gap("0"))));
        lines.add(line(
                "decode step of 8 requests, 8 adapters of rank 16",
                String.format(Locale.ROOT, "%.2f of the step without adapters", step("8", "8") / step("8", "0"))));
        for (String[] load : new String[][] {{"1", "0"}, {"4", "1"}, {"4", "4"}, {"8", "0"}, {"8", "1"}, {"8", "8"}}) {
            lines.add(line(
                    "requests: " + load[0] + ", different adapters: " + load[1],
                    String.format(
                            Locale.ROOT, "%.1f tokens/s", Integer.parseInt(load[0]) / (step(load[0], load[1]) / 1e3))));
        }
        return lines;
    }

    private static String line(String what, String value) {
        return "%-50s %s".formatted(what, value);
    }

    private double step(String requests, String adapters) {
        return score("DecodeStep.step", "requests", requests, "adapters", adapters);
    }

    /** The gap that one in a hundred exceeds. */
    private double gap(String loads) {
        return value(result -> result.getStatistics().getPercentile(99), "LoadWhileDecoding.nextToken", "loads", loads);
    }

    /** The score of the benchmark with these parameters. */
    private double score(String name, String... parameters) {
        return value(Result::getScore, name, parameters);
    }

    private double value(ToDoubleFunction<Result<?>> of, String name, String... parameters) {
        return results.stream()
                .filter(result -> result.getParams().getBenchmark().endsWith("." + name))
                .filter(result -> {
                    for (int i = 0; i < parameters.length; i += 2) {
                        if (!result.getParams().getParam(parameters[i]).equals(parameters[i + 1])) {
                            return false;
                        }
                    }
                    return true;
                })
                .map(result -> of.applyAsDouble(result.getPrimaryResult()))
                .max(Comparator.naturalOrder())
                .orElse(Double.NaN);
    }
}
