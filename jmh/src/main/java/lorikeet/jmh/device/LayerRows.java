package lorikeet.jmh.device;

import static lorikeet.jmh.device.TableRows.number;

import java.util.Comparator;
import java.util.Optional;

/** What adapters add to a layer: a step with them less the same without. */
final class LayerRows {
    private static final Comparator<Figure> IN_ORDER = Comparator.comparingInt(Figure::rank)
            .thenComparingInt(figure -> figure.load().rows())
            .thenComparingInt(figure -> figure.load().adapters())
            .thenComparing(figure -> figure.parameter("mix"));

    private final FigureFile file;
    private final Ceilings ceilings;
    private final Targets targets;
    private final TableRows rows;

    LayerRows(FigureFile file, Ceilings ceilings, TableRows rows) {
        this.file = file;
        this.ceilings = ceilings;
        this.targets = new Targets(file.shape());
        this.rows = rows;
    }

    void add() {
        file.all("Decode.forward")
                .filter(figure -> figure.load().adapters() > 0)
                .sorted(IN_ORDER)
                .forEach(this::decode);
        if (file.find("GpuCeilings.deviceCopy").isPresent()) {
            file.all("Prompt.prompt")
                    .filter(figure -> figure.rank() > 0)
                    .sorted(IN_ORDER)
                    .forEach(this::prompt);
        }
    }

    private void decode(Figure with) {
        Load load = with.load();
        Mix mix = Mix.valueOf(with.parameter("mix"));
        row(
                with,
                file.find("Decode.forward", "load", load.rows() + "/0"),
                "decode of " + load.rows() + " over " + load.adapters(),
                mix == Mix.UNIFORM ? "" : ", skewed",
                targets.decodeLayer(load, with.rank(), mix));
    }

    private void prompt(Figure with) {
        Load load = with.load();
        row(
                with,
                file.find("Prompt.prompt", "load", with.parameter("load"), "rank", "0"),
                "prompts of " + load.rows() + " tokens over " + load.adapters(),
                "",
                targets.promptLayer(load, with.rank()));
    }

    private void row(Figure with, Optional<Figure> without, String what, String mix, double target) {
        if (without.isEmpty()) {
            return;
        }
        double added = (with.deviceOrWallMillis() - without.get().deviceOrWallMillis())
                * 1e3
                / file.shape().layers();
        String rank = with.rank() == FigureTable.RANK ? "" : ", rank " + with.rank();
        rows.add(
                "what adapters add to a layer, " + what + rank + mix,
                number("%.1f us", added),
                number("%.1f us", floor(with.load(), with.rank())),
                number("%.0f us", target));
    }

    /** Microseconds a layer: the adapters read once, and the multiply-adds of the rows. */
    private double floor(Load load, int rank) {
        double weights =
                (double) file.shape().adapterWeights(rank) / file.shape().layers();
        return (load.adapters() * weights * FigureTable.WEIGHT_BYTES / ceilings.memory()
                        + load.rows() * weights / ceilings.arithmetic())
                * 1e3;
    }
}
