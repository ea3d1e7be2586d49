package lorikeet.jmh;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;

/** The benchmarks that belong together, run one after the other. {@link Ratios} says what their scores are to each other. */
final class RatioSet {
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

    private RatioSet() {}

    /**
     * Runs the set, prints the table, and writes all scores as JSON.
     *
     * @param options fresh options for each run
     * @param json the file for the scores
     */
    static void run(OptionsSource options, Path json) throws RunnerException, IOException {
        List<RunResult> results = new ArrayList<>();
        for (Run run : set()) {
            ChainedOptionsBuilder builder = options.fresh().include(run.benchmark);
            for (Parameter parameter : run.parameters) {
                builder.param(parameter.name, String.valueOf(parameter.value));
            }
            results.addAll(new Runner(builder.build()).run());
        }
        try (PrintStream out = new PrintStream(json.toFile(), StandardCharsets.UTF_8)) {
            ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(results);
        }
        System.out.println();
        new Ratios(results.stream().map(Score::of).toList(), FmaPeak.lanes())
                .lines()
                .forEach(System.out::println);
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
}
