package lorikeet.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RatiosTest {
    private static final int LANES = 16;

    private static List<Score> scores() {
        List<Score> scores = new ArrayList<>(List.of(
                score("MatVec.product", 62.5, "cols", "1024"),
                score("MatVec.read", 50, "cols", "1024"),
                score("MatVec.product", 40, "cols", "4096"),
                score("MatVec.read", 60, "cols", "4096"),
                score("FmaPeak.widest", 6.25e9),
                score("Prefill.prompt", 800),
                score("AdapterLoad.loadAndClose", 0.123),
                new Score("LoadWhileDecoding.nextToken", Map.of("loads", "0"), 4, 5),
                new Score("LoadWhileDecoding.nextToken", Map.of("loads", "20"), 4.1, 6)));
        scores.addAll(List.of(
                step("1", "0", 12.5),
                step("4", "1", 20),
                step("4", "4", 25),
                step("8", "0", 30),
                step("8", "1", 32),
                step("8", "8", 33)));
        return scores;
    }

    private static Score step(String requests, String adapters, double millis) {
        return score("DecodeStep.step", millis, "requests", requests, "adapters", adapters, "rank", "16");
    }

    private static Score score(String benchmark, double mean, String... parameters) {
        Map<String, String> byName = new TreeMap<>();
        for (int i = 0; i < parameters.length; i += 2) {
            byName.put(parameters[i], parameters[i + 1]);
        }
        return new Score(benchmark, byName, mean, 10 * mean);
    }

    /** The part of the line that follows what is measured. */
    private static String value(List<Score> scores, String what) {
        List<String> found = new Ratios(scores, LANES)
                .lines().stream()
                        .filter(line -> line.startsWith(what + " "))
                        .map(line -> line.substring(what.length()).strip())
                        .toList();
        assertThat(found).as(what).hasSize(1);
        return found.getFirst();
    }

    @Test
    void productsAreComparedWithTheReadOfTheSameRows() {
        // 2^30 bytes in 50 and in 60 ms.
        assertThat(value(scores(), "matrix-vector product, bf16 rows of 1024"))
                .isEqualTo("80 % of the speed of a plain read (21.5 GB/s)");
        assertThat(value(scores(), "matrix-vector product, bf16 rows of 4096"))
                .isEqualTo("150 % of the speed of a plain read (17.9 GB/s)");
    }

    @Test
    void promptsAreComparedWithThePeak() {
        // 512 tokens' 90.2 million multiply-adds, 2.15 billion of attention, 0.13 of the head: 48.5 billion in 0.8 s.
        assertThat(value(scores(), "prompt of 512 tokens"))
                .isEqualTo("61 % of the peak of multiply-adds (100 G/s); 640 tokens/s");
    }

    @Test
    void stepsAreComparedWithThoseWithoutAdapters() {
        assertThat(value(scores(), "decode step of 8 requests, 8 adapters of rank 16"))
                .isEqualTo("1.10 of the step without adapters");
        assertThat(value(scores(), "requests: 1, different adapters: 0")).isEqualTo("80.0 tokens/s");
        assertThat(value(scores(), "requests: 4, different adapters: 4")).isEqualTo("160.0 tokens/s");
        assertThat(value(scores(), "requests: 8, different adapters: 1")).isEqualTo("250.0 tokens/s");
    }

    @Test
    void loadsAreJudgedByTheSlowestTokens() {
        assertThat(value(scores(), "99th percentile of the gap between tokens, 8 streams"))
                .startsWith("1.20 of the same without");
        assertThat(value(scores(), "loading an adapter of 20 MB, and unloading"))
                .isEqualTo("0.12 ms");
    }

    @Test
    void aMissingScoreCostsItsOwnLinesOnly() {
        List<Score> scores = scores();
        scores.removeIf(score -> score.benchmark().equals("Prefill.prompt"));

        assertThat(value(scores, "prompt of 512 tokens")).startsWith("NaN %");
        assertThat(value(scores, "decode step of 8 requests, 8 adapters of rank 16"))
                .startsWith("1.10 ");
    }
}
