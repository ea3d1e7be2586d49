package lorikeet.jmh;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What the scores of {@link RatioSet} are to each other: speed as a part of what the machine can do at the time, so that
 * runs on different machines can be compared.
 */
final class Ratios {
    private final List<Score> scores;
    private final int lanes;

    /**
     * Takes the scores of one run.
     *
     * @param scores one of each benchmark with each of its parameters
     * @param lanes floats in one of the vectors that the peak of multiply-adds counts
     */
    Ratios(List<Score> scores, int lanes) {
        this.scores = scores;
        this.lanes = lanes;
    }

    /** The table. */
    List<String> lines() {
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
        double peak = score("FmaPeak.widest") * lanes;
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

    /** The gap between tokens that one in a hundred exceeds. */
    private double gap(String loads) {
        return value(Score::p99, "LoadWhileDecoding.nextToken", "loads", loads);
    }

    /** The mean of the benchmark with these parameters. */
    private double score(String benchmark, String... parameters) {
        return value(Score::mean, benchmark, parameters);
    }

    /** NaN where there is none, so that one benchmark's failure costs only its own lines. */
    private double value(ToDoubleFunction<Score> of, String benchmark, String... parameters) {
        return scores.stream()
                .filter(score -> score.benchmark().equals(benchmark))
                .filter(score -> has(score, parameters))
                .mapToDouble(of)
                .findFirst()
                .orElse(Double.NaN);
    }

    private static boolean has(Score score, String... parameters) {
        for (int i = 0; i < parameters.length; i += 2) {
            if (!parameters[i + 1].equals(score.parameters().get(parameters[i]))) {
                return false;
            }
        }
        return true;
    }
}
