package lorikeet.jmh.device;

import java.util.Map;

/**
 * What figures should reach on an H200 with a model's shapes; NaN where nothing is set. There are such aims for the shapes
 * of Llama-3-8B alone.
 */
record Targets(ModelShape shape) {
    /** Microseconds that adapters of rank 16 add to a layer. */
    private static final Map<Load, Double> DECODE_LAYER = Map.of(
            new Load(1, 1), 12.0,
            new Load(8, 8), 16.0,
            new Load(32, 8), 18.0,
            new Load(64, 8), 22.0,
            new Load(64, 64), 62.0,
            new Load(128, 32), 42.0);

    private static final Map<Load, Double> PROMPT_LAYER =
            Map.of(new Load(512, 1), 45.0, new Load(2048, 4), 150.0, new Load(4096, 8), 300.0);

    /** Milliseconds. */
    private static final Map<Load, Double> STEP = Map.of(new Load(1, 0), 4.3, new Load(32, 0), 4.9);

    /** Per cent that a step with adapters takes more than their bytes explain. */
    private static final Map<Load, Double> STEP_OVER = Map.of(new Load(32, 8), 4.0, new Load(64, 64), 8.0);

    private static final Map<Load, Double> PROMPT = Map.of(new Load(2048, 1), 55.0);

    private double of(Map<Load, Double> targets, Load load) {
        return only(targets.getOrDefault(load, Double.NaN));
    }

    private double only(double target) {
        return shape == ModelShape.LLAMA_3_8B ? target : Double.NaN;
    }

    /** Microseconds that adapters add to a layer of a decode step; skewed mixes have no aim. */
    double decodeLayer(Load load, int rank, Mix mix) {
        return rank == FigureTable.RANK && mix == Mix.UNIFORM ? of(DECODE_LAYER, load) : Double.NaN;
    }

    /** Microseconds that adapters add to a layer of prompts. */
    double promptLayer(Load load, int rank) {
        return rank == FigureTable.RANK ? of(PROMPT_LAYER, load) : Double.NaN;
    }

    /** Milliseconds of a decode step. */
    double step(Load load) {
        return of(STEP, load);
    }

    /** Per cent of the step without adapters, beyond their bytes. */
    double stepOver(Load load) {
        return of(STEP_OVER, load);
    }

    /** Milliseconds of prompts. */
    double prompt(Load load) {
        return of(PROMPT, load);
    }

    /** Milliseconds from a file to READY. */
    double load() {
        return only(8);
    }

    /** Milliseconds of a swap-in from float32. */
    double swapIn() {
        return only(3.4);
    }

    /** The gap between tokens during swaps against that without. */
    double gap() {
        return only(1.05);
    }

    /** Seconds until a server is up. */
    double server() {
        return only(6);
    }
}
