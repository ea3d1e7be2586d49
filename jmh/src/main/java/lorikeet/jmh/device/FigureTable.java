package lorikeet.jmh.device;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;

/**
 * The table that a run's results make, in Markdown: each figure beside its floor, the time that the bytes and operations
 * it can't do without take at the ceilings of the same run, and beside what it should reach.
 */
final class FigureTable {
    /** Measured with the skewed mix too. */
    static final String SKEWED_LOAD = "64/8";

    /** The mixes of 64 requests beside those of {@link #ADAPTED}: all for one adapter. */
    static final String IDENTICAL_LOAD = "64/1";

    /** Measured with other ranks, too. */
    static final String RANKS_LOAD = "32/8";

    /** Always measured. */
    static final int HIGH_RANK = 64;

    /** Those of the full set. */
    static final List<Integer> OTHER_RANKS = List.of(8, 128);

    /** Measured with the engine, too. */
    static final String[] ENGINE_LOADS = {"1/0", "32/0", "64/0"};

    /** The decode steps whose adapters' part is measured, and what that should reach on an H200, in us a layer. */
    private static final List<Target> ADAPTED = List.of(
            new Target("1/1", 12),
            new Target("8/8", 16),
            new Target("32/8", 18),
            new Target("64/8", 22),
            new Target("64/64", 62),
            new Target("128/32", 42));

    private static final List<Target> ADAPTED_PROMPTS =
            List.of(new Target("512/1", 45), new Target("2048/4", 150), new Target("4096/8", 300));

    static final int RANK = 16;

    private final FigureFile file;
    private final Ceilings ceilings;
    private final List<String> rows = new ArrayList<>();

    private record Target(String load, double value) {
        String base() {
            return load.substring(0, load.indexOf('/')) + "/0";
        }
    }

    FigureTable(FigureFile file) {
        this.file = file;
        ceilings = Ceilings.of(file);
    }

    /** All decode steps that the table needs: with adapters, and each without. */
    static String[] loads() {
        TreeSet<String> loads = new TreeSet<>();
        for (Target target : ADAPTED) {
            loads.add(target.load());
            loads.add(target.base());
        }
        return loads.toArray(String[]::new);
    }

    /** The table's lines. */
    List<String> lines() {
        rows.clear();
        boolean gpu = file.find("GpuCeilings.deviceCopy").isPresent();
        ceilings();
        calls();
        if (gpu) {
            ADAPTED.forEach(target -> adaptersOfDecode(target, RANK, Mix.UNIFORM));
            adaptersOfDecode(new Target(SKEWED_LOAD, Double.NaN), RANK, Mix.SKEWED);
            adaptersOfDecode(new Target(IDENTICAL_LOAD, Double.NaN), RANK, Mix.UNIFORM);
            adaptersOfDecode(new Target(RANKS_LOAD, Double.NaN), HIGH_RANK, Mix.UNIFORM);
            OTHER_RANKS.forEach(rank -> adaptersOfDecode(new Target(RANKS_LOAD, Double.NaN), rank, Mix.UNIFORM));
            ADAPTED_PROMPTS.forEach(target -> adaptersOfPrompt(target, RANK));
            ADAPTED_PROMPTS.forEach(target -> adaptersOfPrompt(new Target(target.load(), Double.NaN), HIGH_RANK));
        }
        decode();
        engine();
        prompt();
        adapters();
        List<String> lines = new ArrayList<>();
        lines.add("Measured on " + file.when() + ": " + file.device() + "; " + name(file.shape())
                + ", random weights; adapters on all seven projections, of rank " + RANK
                + " unless it says otherwise.");
        lines.add("");
        lines.add("| what | measured | floor | to reach on an H200 |");
        lines.add("|---|---|---|---|");
        lines.addAll(rows);
        return lines;
    }

    private static String name(ModelShape shape) {
        return switch (shape) {
            case SMALL -> "a Llama of 352 million parameters";
            case LLAMA_3_2_1B -> "the shapes of Llama-3.2-1B, embedding and head apart";
            case LLAMA_3_2_3B -> "the shapes of Llama-3.2-3B, embedding and head apart";
            case LLAMA_3_8B -> "the shapes of Llama-3-8B";
            case LLAMA_2_13B -> "the shapes of Llama-2-13B, the vocabulary of Llama-3";
        };
    }

    /** Bytes of a weight on this device: the CPU reads bf16, too. */
    private static final int WEIGHT_BYTES = Short.BYTES;

    private void row(String what, String measured, String floor, String target) {
        rows.add("| " + what + " | " + measured + " | " + floor + " | " + target + " |");
    }

    private static String number(String format, double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, format, value);
    }

    private void ceilings() {
        row("ceiling: memory, read or written", number("%.0f GB/s", ceilings.memory() / 1e6), "", "");
        if (!Double.isNaN(ceilings.host())) {
            row("ceiling: page-locked memory to the device", number("%.1f GB/s", ceilings.host() / 1e6), "", "");
        }
        row("ceiling: arithmetic", number("%.1f TFLOP/s", 2 * ceilings.arithmetic() / 1e9), "", "");
    }

    private void calls() {
        file.find("GpuCalls.downcall").ifPresent(call -> row("one downcall", number("%.0f ns", call.score()), "", ""));
        file.find("GpuCalls.launch")
                .ifPresent(call -> row("one launch, among many", number("%.2f us", call.score() / 1e3), "", ""));
        file.find("GpuCalls.graphReplay")
                .ifPresent(call -> row(
                        "one replay of " + GpuCalls.RECORDED + " recorded launches with nothing to do",
                        number("%.0f us", call.score() / 1e3),
                        "",
                        ""));
    }

    private void adaptersOfDecode(Target target, int rank, Mix mix) {
        Optional<Figure> with =
                file.find("Decode.forward", "load", target.load(), "rank", String.valueOf(rank), "mix", mix.name());
        Optional<Figure> without = file.find("Decode.forward", "load", target.base());
        if (with.isEmpty() || without.isEmpty()) {
            return;
        }
        double micros = added(with.get(), without.get());
        Load load = Load.parse(target.load());
        String kind = (rank == RANK ? "" : ", rank " + rank) + (mix == Mix.UNIFORM ? "" : ", skewed");
        row(
                "what adapters add to a layer, decode of " + load.rows() + " over " + load.adapters() + kind,
                number("%.1f us", micros),
                number("%.1f us", adapterFloor(load, rank)),
                number("%.0f us", target.value()));
    }

    private void adaptersOfPrompt(Target target, int rank) {
        Optional<Figure> with = file.find("Prompt.prompt", "load", target.load(), "rank", String.valueOf(rank));
        Optional<Figure> without = file.find("Prompt.prompt", "load", target.load(), "rank", "0");
        if (with.isEmpty() || without.isEmpty()) {
            return;
        }
        Load load = Load.parse(target.load());
        row(
                "what adapters add to a layer, prompts of " + load.rows() + " tokens over " + load.adapters()
                        + (rank == RANK ? "" : ", rank " + rank),
                number("%.0f us", added(with.get(), without.get())),
                number("%.0f us", adapterFloor(load, rank)),
                number("%.0f us", target.value()));
    }

    /** Microseconds a layer. */
    private double added(Figure with, Figure without) {
        return (with.deviceOrWallMillis() - without.deviceOrWallMillis())
                * 1e3
                / file.shape().layers();
    }

    /** Microseconds a layer: the adapters read once, and the multiply-adds of the rows. */
    private double adapterFloor(Load load, int rank) {
        double weights =
                (double) file.shape().adapterWeights(rank) / file.shape().layers();
        return (load.adapters() * weights * WEIGHT_BYTES / ceilings.memory()
                        + load.rows() * weights / ceilings.arithmetic())
                * 1e3;
    }

    private void decode() {
        file.figures().stream()
                .filter(figure -> figure.benchmark().equals("Decode.step"))
                .forEach(figure -> {
                    Load load = Load.parse(figure.parameter("load"));
                    double bytes = WEIGHT_BYTES
                            * (double) (file.shape().linearWeights()
                                    + file.shape().headWeights()
                                    + file.shape().cachedNumbers() * load.rows() * Decode.CONTEXT
                                    + load.adapters() * file.shape().adapterWeights(RANK));
                    double floor = bytes / ceilings.memory();
                    row(
                            "decode step, " + load.rows() + " requests, "
                                    + (load.adapters() == 0 ? "no" : load.adapters()) + " adapters, "
                                    + Decode.CONTEXT + " tokens each",
                            number("%.2f ms", figure.millis())
                                    + number(" (%.0f tokens/s)", load.rows() * 1e3 / figure.millis()),
                            number("%.2f ms", floor),
                            target(figure.parameter("load")));
                    Optional<Figure> without = file.find("Decode.step", "load", load.rows() + "/0");
                    if (load.adapters() > 0 && without.isPresent()) {
                        double own =
                                load.adapters() * file.shape().adapterWeights(RANK) * WEIGHT_BYTES / ceilings.memory();
                        double over = (figure.millis() - own) / without.get().millis() - 1;
                        row(
                                "the same against the step without adapters, minus the time that their bytes take",
                                number("%+.1f %%", 100 * over),
                                "0 %",
                                load.equals(new Load(32, 8)) ? "+4 %" : load.equals(new Load(64, 64)) ? "+8 %" : "");
                    }
                });
    }

    private void engine() {
        file.figures().stream()
                .filter(figure -> figure.benchmark().equals("EngineStep.step"))
                .forEach(figure -> {
                    Load load = Load.parse(figure.parameter("load"));
                    double alone = file.find("Decode.forward", "load", figure.parameter("load"))
                            .map(Figure::deviceOrWallMillis)
                            .orElse(Double.NaN);
                    row(
                            "the engine's step, " + load.rows() + " requests, against the device's part of it",
                            number("%.2f ms", figure.millis()),
                            number("%.2f ms", alone),
                            "");
                });
    }

    private String target(String load) {
        if (file.shape() != ModelShape.LLAMA_3_8B) {
            return "";
        }
        return load.equals("1/0") ? "4.3 ms" : load.equals("32/0") ? "4.9 ms" : "";
    }

    private void prompt() {
        file.figures().stream()
                .filter(figure -> figure.benchmark().equals("Prompt.prompt"))
                .filter(figure -> figure.parameter("rank").equals("0"))
                .forEach(figure -> {
                    Load load = Load.parse(figure.parameter("load"));
                    int length = load.rows() / load.adapters();
                    double operations = (double) load.rows() * file.shape().linearWeights()
                            + (double) load.rows()
                                    * length
                                    * file.shape().hidden()
                                    * file.shape().layers()
                            + (double) load.adapters() * file.shape().headWeights();
                    double floor = operations / ceilings.arithmetic();
                    row(
                            load.adapters() + (load.adapters() == 1 ? " prompt of " : " prompts of ") + length
                                    + " tokens to the logits",
                            number("%.1f ms", figure.millis())
                                    + number(" (%.0f tokens/s)", load.rows() * 1e3 / figure.millis()),
                            number("%.1f ms", floor),
                            load.equals(new Load(2048, 1)) && file.shape() == ModelShape.LLAMA_3_8B ? "55 ms" : "");
                });
    }

    private void adapters() {
        boolean large = file.shape() == ModelShape.LLAMA_3_8B;
        swap(
                "load an adapter of %s from the page cache: map, check, register",
                file.find("AdapterSwap.load"), false, large ? "8 ms" : "");
        swap("of which the device's part: fetch and register", file.find("AdapterSwap.register"), false, "");
        swap("swap in a READY adapter, file of %s", file.find("AdapterSwap.swapIn"), true, large ? "3.4 ms" : "");
        swap(
                "the same from a file that can't be registered, %s",
                file.find("AdapterSwap.swapIn", "registered", "false"), true, "");
        swap(
                "the same from a file in bf16, %s",
                file.find("AdapterSwap.swapIn", "registered", "true", "type", "BF16"), true, "");
        swap("take its slabs for another", file.find("AdapterSwap.evict"), false, "");
        swap("load another version of it, and swap that in", file.find("AdapterSwap.replace"), false, "");
        gap(file.find("SwapUnderLoad.step", "swaps", "50"), "50 adapters a second are swapped in", "1.05");
        gap(
                file.find("SwapUnderLoad.step", "swaps", "50", "type", "BF16"),
                "50 adapters in bf16 a second are swapped in",
                "");
        server(large);
    }

    private void swap(String what, Optional<Figure> found, boolean copied, String target) {
        found.ifPresent(figure -> {
            double bytes = (double) file.shape().adapterWeights(AdapterSwap.RANK)
                    * (figure.parameter("type").equals("F32") ? Float.BYTES : Short.BYTES);
            row(
                    what.formatted(number("%.0f MB", bytes / 1e6)),
                    number(figure.millis() < 0.1 ? "%.4f ms" : "%.2f ms", figure.millis()),
                    copied ? number("%.2f ms", bytes / ceilings.host()) : "",
                    target);
        });
    }

    private void gap(Optional<Figure> busy, String meanwhile, String target) {
        Optional<Figure> quiet = file.find("SwapUnderLoad.step", "swaps", "0");
        if (quiet.isPresent() && busy.isPresent()) {
            row(
                    "gap between tokens while " + meanwhile + ", 99th percentile, against none",
                    number("%.2f", busy.get().p99() / quiet.get().p99())
                            + number(" (%.2f ms", busy.get().p99())
                            + number(" and %.2f ms)", quiet.get().p99()),
                    "1",
                    target);
        }
    }

    private void server(boolean large) {
        file.find("ServerStart.start").ifPresent(start -> {
            double bytes = WEIGHT_BYTES
                    * (double) (file.shape().linearWeights() + 2 * file.shape().headWeights());
            row(
                    number("server up with a mapped checkpoint of %.1f GB in the page cache", bytes / 1e9),
                    number("%.1f s", start.millis() / 1e3),
                    number("%.1f s", bytes / ceilings.host() / 1e3),
                    large ? "6 s" : "");
        });
    }
}
