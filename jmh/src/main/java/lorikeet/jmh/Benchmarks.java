package lorikeet.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lorikeet.jmh.device.FigureSet;
import lorikeet.jmh.device.ModelShape;
import lorikeet.jmh.device.ReadmeTable;
import org.openjdk.jmh.Main;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the benchmarks, with JMH's own command line; what it leaves open gets the settings below. Without a benchmark's
 * name, runs those of {@link RatioSet}, which takes a few minutes, and prints their table.
 */
public final class Benchmarks {
    private static final int FORKS = 1;
    private static final int ITERATIONS = 5;
    private static final TimeValue ITERATION_TIME = TimeValue.seconds(1);

    // What a device takes varies little from run to run, and there are many to make.
    private static final int FIGURE_WARMUPS = 1;
    private static final int FIGURE_ITERATIONS = 4;
    private static final TimeValue FIGURE_TIME = TimeValue.milliseconds(400);

    private Benchmarks() {}

    private static final String HELP = """
            lorikeet bench            runs the benchmarks that the README's numbers come from: a few minutes;
                                      prints a table and writes all scores to jmh/target/bench.json (-rff FILE: elsewhere)
            lorikeet bench --device cuda [--full] [--shape LLAMA_3_8B] [NAME ...]
                                      what a GPU does with a model of real shapes, or the CPU with cpu and a small model:
                                      prints a table and writes jmh/target/bench-DEVICE.json (-rff FILE: elsewhere);
                                      some minutes; --full: more ranks, batches and longer prompts, too
            lorikeet bench --readme JSON TEXT NAME
                                      puts the table of such a file into a text, between the markers
                                      <!-- figures:NAME --> and <!-- /figures:NAME -->
            lorikeet bench NAME ...   runs the benchmarks whose names match
            lorikeet bench -l         lists the benchmarks

            Further options, JMH's:
            """;

    /** Takes JMH's arguments: {@code --help} explains them, {@code -l} lists the benchmarks. */
    public static void main(String[] given) throws CommandLineOptionException, RunnerException, IOException {
        List<String> args = new ArrayList<>(Arrays.asList(given));
        if (args.size() == 4 && args.getFirst().equals("--readme")) {
            ReadmeTable.update(Path.of(args.get(1)), Path.of(args.get(2)), args.get(3));
            return;
        }
        Optional<String> device = take(args, "--device");
        if (device.isPresent()) {
            figures(device.get(), args);
            return;
        }
        // JMH knows only the short name.
        run(Arrays.stream(given).map(arg -> arg.equals("--help") ? "-h" : arg).toArray(String[]::new));
    }

    /** Takes an option and its value out of the arguments. */
    private static Optional<String> take(List<String> args, String option) {
        int at = args.indexOf(option);
        if (at < 0 || at + 1 == args.size()) {
            return Optional.empty();
        }
        args.remove(at);
        return Optional.of(args.remove(at));
    }

    private static void figures(String device, List<String> args)
            throws CommandLineOptionException, RunnerException, IOException {
        ModelShape shape = take(args, "--shape")
                .map(ModelShape::valueOf)
                .orElse(device.equals("cpu") ? ModelShape.SMALL : ModelShape.LLAMA_3_8B);
        boolean full = args.remove("--full");
        // JMH's own results would go to the same file.
        Path json = take(args, "-rff")
                .map(Path::of)
                .orElse(BuildFolder.resolve("bench-" + device.replace(':', '-') + ".json"));
        List<String> only = List.copyOf(new CommandLineOptions(args.toArray(String[]::new)).getIncludes());
        args.removeAll(only);
        CommandLineOptions given = new CommandLineOptions(args.toArray(String[]::new));
        new FigureSet(device, shape, full)
                .run(() -> withDefaults(given, FIGURE_WARMUPS, FIGURE_ITERATIONS, FIGURE_TIME), only, json);
    }

    private static void run(String[] args) throws CommandLineOptionException, RunnerException, IOException {
        CommandLineOptions given = new CommandLineOptions(args);
        if (given.shouldHelp()
                || given.shouldList()
                || given.shouldListWithParams()
                || given.shouldListProfilers()
                || given.shouldListResultFormats()) {
            if (given.shouldHelp()) {
                System.out.println(HELP);
            }
            Main.main(args);
            return;
        }
        if (given.getIncludes().isEmpty()) {
            RatioSet.run(() -> withDefaults(given), json(given));
            return;
        }
        new Runner(withDefaults(given).build()).run();
    }

    private static Path json(CommandLineOptions given) {
        return given.getResult().hasValue() ? Path.of(given.getResult().get()) : BuildFolder.resolve("bench.json");
    }

    private static ChainedOptionsBuilder withDefaults(CommandLineOptions given) {
        return withDefaults(given, ITERATIONS, ITERATIONS, ITERATION_TIME);
    }

    private static ChainedOptionsBuilder withDefaults(
            CommandLineOptions given, int warmups, int iterations, TimeValue time) {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .parent(given)
                .jvmArgsAppend("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");
        if (!given.getForkCount().hasValue()) {
            options.forks(FORKS);
        }
        if (!given.getWarmupIterations().hasValue()) {
            options.warmupIterations(warmups);
        }
        if (!given.getWarmupTime().hasValue()) {
            options.warmupTime(time);
        }
        if (!given.getMeasurementIterations().hasValue()) {
            options.measurementIterations(iterations);
        }
        if (!given.getMeasurementTime().hasValue()) {
            options.measurementTime(time);
        }
        return options;
    }
}
