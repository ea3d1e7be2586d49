package lorikeet.jmh.device;

import static lorikeet.jmh.device.TableRows.number;

import java.util.ArrayList;
import java.util.List;

/**
 * The table that a run's results make, in Markdown: each figure beside its floor, the time that the bytes and operations
 * it can't do without take at the ceilings of the same run, and beside what it should reach.
 */
final class FigureTable {
    /** The adapters' rank where a row says nothing else. */
    static final int RANK = 16;

    /** Bytes of a weight on any device: the CPU reads bf16, too. */
    static final int WEIGHT_BYTES = Short.BYTES;

    private final FigureFile file;
    private final Ceilings ceilings;

    FigureTable(FigureFile file) {
        this.file = file;
        ceilings = Ceilings.of(file);
    }

    /** The table's lines. */
    List<String> lines() {
        TableRows rows = new TableRows();
        ceilings(rows);
        calls(rows);
        new LayerRows(file, ceilings, rows).add();
        new StepRows(file, ceilings, rows).add();
        new SwapRows(file, ceilings, rows).add();
        List<String> lines = new ArrayList<>();
        lines.add("Measured on " + file.when() + ": " + file.device() + "; " + name(file.shape())
                + ", random weights; adapters on all seven projections, of rank " + RANK
                + " unless it says otherwise.");
        lines.add("");
        lines.add("| what | measured | floor | to reach on an H200 |");
        lines.add("|---|---|---|---|");
        lines.addAll(rows.lines());
        return lines;
    }

    private static String name(ModelShape shape) {
        return switch (shape) {
            case SMALL -> "a Llama of 352 million parameters";
            case LLAMA_3_2_1B -> "the shapes of Llama-3.2-1B, embedding and head apart";
            case LLAMA_3_2_3B -> "the shapes of Llama-3.2-3B, embedding and head apart";
            case LLAMA_3_8B -> "the shapes of Llama-3-8B";
            case LLAMA_2_13B -> "the shapes of Llama-2-13B, the vocabulary of Llama-3";
            case QWEN_3_8B -> "the shapes of Qwen3-8B, the vocabulary of Llama-3";
        };
    }

    private void ceilings(TableRows rows) {
        rows.add("ceiling: memory, read or written", number("%.0f GB/s", ceilings.memory() / 1e6), "", "");
        if (!Double.isNaN(ceilings.host())) {
            rows.add("ceiling: page-locked memory to the device", number("%.1f GB/s", ceilings.host() / 1e6), "", "");
        }
        rows.add("ceiling: arithmetic", number("%.1f TFLOP/s", 2 * ceilings.arithmetic() / 1e9), "", "");
    }

    private void calls(TableRows rows) {
        file.find("GpuCalls.downcall")
                .ifPresent(call -> rows.add("one downcall", number("%.0f ns", call.score()), "", ""));
        file.find("GpuCalls.launch")
                .ifPresent(call -> rows.add("one launch, among many", number("%.2f us", call.score() / 1e3), "", ""));
        file.find("GpuCalls.graphReplay")
                .ifPresent(call -> rows.add(
                        "one replay of " + GpuCalls.RECORDED + " recorded launches with nothing to do",
                        number("%.0f us", call.score() / 1e3),
                        "",
                        ""));
    }
}
