package lorikeet.jmh.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FigureTableTest {
    private static final double NONE = Double.NaN;

    /** A device that copies 4 GB a millisecond, both ways counted, and sends 256 MiB in 5 ms. */
    private static final List<Figure> FIGURES = List.of(
            figure("GpuCeilings.deviceCopy", Map.of(), 9, 2.0 * (2L << 30) / 4e9),
            figure("GpuCeilings.hostToDevice", Map.of(), 9, 5),
            figure("GpuCeilings.product", Map.of(), 9, 2),
            figure("Decode.forward", decode("32/0"), 9, 5.0),
            figure("Decode.forward", decode("32/8"), 9, 5.32),
            figure("Decode.step", decode("1/0"), 4.5, 4.4),
            figure("EngineStep.step", Map.of("load", "32/0"), 5.1, NONE),
            figure("ServerStart.start", Map.of(), 4321, NONE),
            figure("SwapUnderLoad.step", Map.of("swaps", "0"), 5, NONE),
            figure("SwapUnderLoad.step", Map.of("swaps", "50", "type", "F32"), 6, NONE),
            figure("SwapUnderLoad.step", Map.of("swaps", "50", "type", "BF16"), 5.5, NONE),
            figure("AdapterSwap.swapIn", swap("F32", true), 4, NONE),
            figure("AdapterSwap.swapIn", swap("BF16", true), 3, NONE),
            figure("AdapterSwap.swapIn", swap("F32", false), 8, NONE),
            figure("AdapterSwap.evict", swap("F32", true), 0.0123, NONE));

    private static Map<String, String> decode(String load) {
        return Map.of("load", load, "rank", "16", "mix", "UNIFORM");
    }

    private static Map<String, String> swap(String type, boolean registered) {
        return Map.of("type", type, "registered", String.valueOf(registered), "rank", "16");
    }

    private static Figure figure(String benchmark, Map<String, String> parameters, double wall, double device) {
        return new Figure(benchmark, parameters, "ms/op", wall, NONE, wall, device);
    }

    private static FigureFile file() {
        return new FigureFile("a GPU", "a JVM", "2025-01-02", ModelShape.LLAMA_3_8B, FIGURES);
    }

    @Test
    void figuresStandBesideTheirFloors() {
        List<String> lines = new FigureTable(file()).lines();

        assertThat(lines.getFirst()).contains("a GPU").contains("2025-01-02").contains("Llama-3-8B");
        assertThat(lines).anySatisfy(line -> assertThat(line).contains("| 4000 GB/s |"));
        // 0.32 ms over 32 layers; 8 adapters of 2.6 MB a layer at 4 TB/s, and 0.15 us of arithmetic.
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .contains("decode of 32 over 8 | 10.0 us |")
                        .contains("| 5.4 us |"));
        // 7.5 billion weights and 512 tokens' keys and values.
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .contains("decode step, 1 requests")
                        .contains("| 4.50 ms (222 tokens/s) | 3.77 ms | 4.3 ms |"));
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .contains("the engine's step, 32 requests")
                        .contains("| 5.10 ms | 5.00 ms |"));
        assertThat(lines).anySatisfy(line -> assertThat(line).contains("| 1.20 (6.00 ms and 5.00 ms) |"));
        assertThat(lines)
                .anySatisfy(
                        line -> assertThat(line).contains("bf16 a second").contains("| 1.10 (5.50 ms and 5.00 ms) |"));
        // 41.9 million numbers, of which 268 MB take 5 ms.
        assertThat(lines)
                .anySatisfy(line -> assertThat(line).contains("file of 168 MB | 4.00 ms | 3.13 ms | 3.4 ms |"));
        assertThat(lines)
                .anySatisfy(line ->
                        assertThat(line).contains("file of 168 MB that can't be registered | 8.00 ms | 3.13 ms |"));
        assertThat(lines).anySatisfy(line -> assertThat(line).contains("file of 84 MB in bf16 | 3.00 ms | 1.56 ms |"));
        assertThat(lines).anySatisfy(line -> assertThat(line).contains("| 0.0123 ms |"));
        // 16 GB, of which 268 MB take 5 ms.
        assertThat(lines)
                .anySatisfy(line -> assertThat(line).contains("16.1 GB").contains("| 4.3 s | 0.3 s | 6 s |"));
    }

    @Test
    void otherRanksAndMixesHaveRowsOfTheirOwnWithoutAnAim() {
        Map<String, String> other = Map.of("load", "32/8", "rank", "64", "mix", "SKEWED");
        List<Figure> figures = List.of(
                figure("Decode.forward", other, 9, 6.6),
                figure("Decode.forward", decode("32/8"), 9, 5.32),
                figure("Decode.forward", decode("32/0"), 9, 5.0));

        assertThat(lines(ModelShape.LLAMA_3_8B, figures))
                .containsSubsequence(
                        "| what adapters add to a layer, decode of 32 over 8 | 10.0 us |  | 18 us |",
                        "| what adapters add to a layer, decode of 32 over 8, rank 64, skewed | 50.0 us |  |  |");
        assertThat(lines(ModelShape.LLAMA_2_13B, figures))
                .contains("| what adapters add to a layer, decode of 32 over 8 | 8.0 us |  |  |");
    }

    private static List<String> lines(ModelShape shape, List<Figure> figures) {
        return new FigureTable(new FigureFile("a GPU", "a JVM", "2025-01-02", shape, figures)).lines();
    }

    @Test
    void aFileHoldsWhatWasMeasured(@TempDir Path folder) throws IOException {
        Path json = folder.resolve("figures.json");
        file().write(json);

        assertThat(FigureFile.read(json)).isEqualTo(file());
    }

    @Test
    void aTextGetsTheTableBetweenItsMarkersAgainAndAgain(@TempDir Path folder) throws IOException {
        Path json = folder.resolve("figures.json");
        file().write(json);
        Path text = folder.resolve("text.md");
        Files.writeString(text, "before\n<!-- figures:gpu -->\nold\n<!-- /figures:gpu -->\nbehind\n");

        ReadmeTable.update(json, text, "gpu");
        String once = Files.readString(text);
        ReadmeTable.update(json, text, "gpu");

        assertThat(once)
                .startsWith("before\n")
                .endsWith("\nbehind\n")
                .contains("| what |")
                .doesNotContain("old");
        assertThat(Files.readString(text)).isEqualTo(once);
    }
}
