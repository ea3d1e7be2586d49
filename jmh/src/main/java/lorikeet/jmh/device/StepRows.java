package lorikeet.jmh.device;

import static lorikeet.jmh.device.TableRows.number;

import java.util.Optional;

/** Whole steps: decode, through the engine too, and prompts. */
final class StepRows {
    private final FigureFile file;
    private final ModelShape shape;
    private final Ceilings ceilings;
    private final Targets targets;
    private final TableRows rows;

    StepRows(FigureFile file, Ceilings ceilings, TableRows rows) {
        this.file = file;
        this.shape = file.shape();
        this.ceilings = ceilings;
        this.targets = new Targets(file.shape());
        this.rows = rows;
    }

    void add() {
        file.all("Decode.step").forEach(this::decode);
        file.all("EngineStep.step").forEach(this::engine);
        file.all("Prompt.prompt").filter(figure -> figure.rank() == 0).forEach(this::prompt);
    }

    private void decode(Figure figure) {
        Load load = figure.load();
        double adapters = (double) load.adapters() * shape.adapterWeights(figure.rank()) * FigureTable.WEIGHT_BYTES;
        double bytes = adapters
                + (double) FigureTable.WEIGHT_BYTES
                        * (shape.linearWeights()
                                + shape.headWeights()
                                + shape.cachedNumbers() * load.rows() * Decode.CONTEXT);
        rows.add(
                "decode step, " + load.rows() + " requests, " + (load.adapters() == 0 ? "no" : load.adapters())
                        + " adapters, " + Decode.CONTEXT + " tokens each",
                number("%.2f ms", figure.millis()) + number(" (%.0f tokens/s)", load.rows() * 1e3 / figure.millis()),
                number("%.2f ms", bytes / ceilings.memory()),
                number("%.1f ms", targets.step(load)));
        Optional<Figure> without = file.find("Decode.step", "load", load.rows() + "/0");
        if (load.adapters() > 0 && without.isPresent()) {
            double over = (figure.millis() - adapters / ceilings.memory())
                            / without.get().millis()
                    - 1;
            rows.add(
                    "the same against the step without adapters, minus the time that their bytes take",
                    number("%+.1f %%", 100 * over),
                    "0 %",
                    number("%+.0f %%", targets.stepOver(load)));
        }
    }

    private void engine(Figure figure) {
        double alone = file.find("Decode.forward", "load", figure.parameter("load"))
                .map(Figure::deviceOrWallMillis)
                .orElse(Double.NaN);
        rows.add(
                "the engine's step, " + figure.load().rows() + " requests, against the device's part of it",
                number("%.2f ms", figure.millis()),
                number("%.2f ms", alone),
                "");
    }

    private void prompt(Figure figure) {
        Load load = figure.load();
        int length = load.rows() / load.adapters();
        double operations = (double) load.rows() * shape.linearWeights()
                + (double) load.rows() * length * shape.hidden() * shape.layers()
                + (double) load.adapters() * shape.headWeights();
        rows.add(
                load.adapters() + (load.adapters() == 1 ? " prompt of " : " prompts of ") + length
                        + " tokens to the logits",
                number("%.1f ms", figure.millis()) + number(" (%.0f tokens/s)", load.rows() * 1e3 / figure.millis()),
                number("%.1f ms", operations / ceilings.arithmetic()),
                number("%.0f ms", targets.prompt(load)));
    }
}
