package lorikeet.jmh.device;

import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Devices;
import lorikeet.runtime.verify.DeviceCheck;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** Runs the benchmarks of a device, writes their results as JSON, and prints the table that they make. */
public final class FigureSet {
    private static final int CHECKS = 3;

    /** Takes seconds each time. */
    private static final String SERVER_START = "ServerStart.start";

    private static final int SERVER_STARTS = 3;

    /** Those that the JIT has to see for a while: files are read and checked in Java. */
    private static final Set<String> JAVA_WORK = Set.of("AdapterSwap.load", "AdapterSwap.replace");

    /** Needs many steps, for a percentile of them. */
    private static final String UNDER_LOAD = "SwapUnderLoad.step";

    private static final int LOADED_ITERATIONS = 3;
    private static final TimeValue LOADED_TIME = TimeValue.seconds(2);
    private static final double BFLOAT16_ERROR = 3e-2;
    private static final double FLOAT32_ERROR = 1e-3;

    private static final int HIGH_RANK = 64;
    private static final int HIGHEST_RANK = 256;

    /** Decode steps with adapters, of which one with "/0" is the same without. */
    private static final String[] ADAPTED_LOADS = {"1/1", "8/8", "32/8", "64/1", "64/8", "64/64", "128/32"};

    private static final String[] BASE_LOADS = {"1/0", "8/0", "32/0", "64/0", "128/0"};
    private static final String[] ADAPTED_PROMPTS = {"512/1", "2048/4", "4096/8"};

    private final String device;
    private final ModelShape shape;
    private final boolean gpu;
    private final boolean full;

    /** Benchmarks to run, with what differs from their defaults. */
    private record Run(String benchmark, List<Values> parameters) {
        static Run of(String benchmark, Values... parameters) {
            return new Run(benchmark, List.of(parameters));
        }
    }

    private record Values(String name, List<String> values) {
        Values(String name, String... values) {
            this(name, List.of(values));
        }
    }

    /**
     * The set of a device.
     *
     * @param device as {@link DeviceChoice#parse} takes it, not auto
     * @param shape the model to measure with
     * @param full whether more ranks, mixes and batches are measured than the table needs
     */
    public FigureSet(String device, ModelShape shape, boolean full) {
        this.device = device;
        this.shape = shape;
        this.gpu = !device.equals("cpu");
        this.full = full;
    }

    /**
     * Runs it.
     *
     * @param options fresh options for each run
     * @param only regular expressions; benchmarks that match none are left out, but for the ceilings. All run if empty
     * @param json the file for the results
     */
    public void run(Supplier<ChainedOptionsBuilder> options, List<String> only, Path json)
            throws RunnerException, IOException {
        String description = check();
        String java = System.getProperty("java.vm.name") + " " + Runtime.version();
        String today = LocalDate.now(ZoneOffset.UTC).toString();
        List<Figure> figures = new ArrayList<>();
        for (Run run : set()) {
            boolean wanted =
                    only.isEmpty() || only.stream().anyMatch(part -> run.benchmark.matches(".*" + part + ".*"));
            if (wanted || ceilings().contains(run)) {
                figures.addAll(measure(options.get(), run));
                // After each, so that a run that is cut short leaves what it has.
                new FigureFile(description, java, today, shape, figures).write(json);
            }
        }
        System.out.println();
        FigureFile file = new FigureFile(description, java, today, shape, figures);
        new FigureTable(file).lines().forEach(System.out::println);
        System.out.println("All results: " + json);
    }

    /** A device that is fast but wrong isn't measured; returns its description. */
    private String check() {
        int threads = Runtime.getRuntime().availableProcessors();
        try (Operations operations =
                        Devices.open(DeviceChoice.parse(device), threads).operations();
                Operations reference = new CpuOperations(threads)) {
            double limit = operations.activationType() == ElementType.F32 ? FLOAT32_ERROR : BFLOAT16_ERROR;
            DeviceCheck check = new DeviceCheck(operations, reference, limit);
            for (long seed = 1; seed <= CHECKS; seed++) {
                DeviceCheck.Result result = check.run(seed);
                if (!result.differences().isEmpty()) {
                    throw new IllegalStateException(
                            device + " computes something else than the CPU: " + result.differences());
                }
            }
            return operations.describe();
        }
    }

    private List<Figure> measure(ChainedOptionsBuilder options, Run run) throws RunnerException {
        options.include("\\." + run.benchmark.replace(".", "\\.") + "$");
        options.param("device", device);
        options.param("shape", shape.name());
        if (run.benchmark.equals(SERVER_START)) {
            options.warmupIterations(1).measurementIterations(SERVER_STARTS);
        }
        if (JAVA_WORK.contains(run.benchmark)) {
            options.warmupIterations(2).warmupTime(TimeValue.seconds(1));
        }
        if (run.benchmark.equals(UNDER_LOAD)) {
            options.warmupIterations(1)
                    .warmupTime(LOADED_TIME)
                    .measurementIterations(LOADED_ITERATIONS)
                    .measurementTime(LOADED_TIME);
        }
        for (Values values : run.parameters) {
            options.param(values.name, values.values.toArray(String[]::new));
        }
        List<Figure> figures = new ArrayList<>();
        for (RunResult result : new Runner(options.build()).run()) {
            figures.add(Figure.of(result));
        }
        return figures;
    }

    private List<Run> ceilings() {
        return gpu
                ? List.of(
                        Run.of("GpuCeilings.deviceCopy"),
                        Run.of("GpuCeilings.hostToDevice"),
                        Run.of("GpuCeilings.product"))
                : List.of(Run.of("ReadBandwidth.allThreads", new Values("as", "PLAIN")), Run.of("FmaPeak.widest"));
    }

    private List<Run> set() {
        List<Run> set = new ArrayList<>(ceilings());
        adapters(set);
        if (gpu) {
            set.add(Run.of("GpuCalls.downcall"));
            set.add(Run.of("GpuCalls.launch"));
            set.add(Run.of("GpuCalls.graphReplay"));
            set.add(Run.of("Decode.step", new Values("load", "1/0", "32/0", "32/8", "64/0", "64/64")));
            set.add(Run.of("EngineStep.step", new Values("load", "1/0", "32/0", "64/0")));
            layers(set);
            set.add(Run.of("Prompt.prompt", rank(0), new Values("load", "512/1", "2048/1", "2048/4", "4096/8")));
            set.add(Run.of("Prompt.prompt", rank(FigureTable.RANK), new Values("load", ADAPTED_PROMPTS)));
            set.add(Run.of("Prompt.prompt", rank(HIGH_RANK), new Values("load", ADAPTED_PROMPTS)));
        } else {
            set.add(Run.of("Decode.step", new Values("load", "1/0", "8/0", "8/8")));
            set.add(Run.of("EngineStep.step"));
            set.add(Run.of("Prompt.prompt"));
        }
        if (full && gpu) {
            rest(set);
        }
        set.add(Run.of(SERVER_START));
        return set;
    }

    private static Values rank(int rank) {
        return new Values("rank", String.valueOf(rank));
    }

    /** What becomes of an adapter, and what steps feel of it. */
    private void adapters(List<Run> set) {
        Values bf16 = new Values("type", ElementType.BF16.name());
        for (String part : List.of("load", "register", "swapIn", "evict", "replace")) {
            set.add(Run.of("AdapterSwap." + part));
        }
        if (gpu) {
            set.add(Run.of("AdapterSwap.swapIn", bf16));
            set.add(Run.of("AdapterSwap.swapIn", new Values("registered", "false")));
        }
        set.add(Run.of(UNDER_LOAD));
        if (gpu) {
            set.add(Run.of(UNDER_LOAD, new Values("swaps", "50"), bf16));
        }
    }

    /** Decode steps by tokens, adapters, mix and rank: what adapters add to each layer. */
    private static void layers(List<Run> set) {
        set.add(Run.of("Decode.forward", new Values("load", BASE_LOADS)));
        set.add(Run.of("Decode.forward", new Values("load", ADAPTED_LOADS)));
        set.add(Run.of("Decode.forward", new Values("load", "64/8"), new Values("mix", Mix.SKEWED.name())));
        set.add(Run.of("Decode.forward", new Values("load", "1/1", "8/8", "32/8", "64/64"), rank(HIGH_RANK)));
    }

    /** What the table has no room for on every run. */
    private static void rest(List<Run> set) {
        set.add(Run.of("Decode.step", new Values("load", "8/0", "8/8", "128/0", "128/32", "256/0")));
        set.add(Run.of("Decode.forward", new Values("load", ADAPTED_LOADS), rank(8)));
        set.add(Run.of("Decode.forward", new Values("load", "1/1", "8/8", "32/8"), rank(HIGHEST_RANK)));
        set.add(Run.of("Prompt.prompt", rank(HIGHEST_RANK), new Values("load", ADAPTED_PROMPTS)));
        set.add(Run.of("Prompt.prompt", new Values("load", "8192/1")));
        set.add(Run.of("AdapterSwap.swapIn", new Values("rank", "8", "64")));
    }
}
