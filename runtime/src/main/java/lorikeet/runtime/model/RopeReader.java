package lorikeet.runtime.model;

import java.util.Set;
import java.util.stream.Stream;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.runtime.json.JsonObject;

/**
 * Reads the rotary variant from config.json, in the spelling of Transformers 5 ({@code rope_parameters}) or 4
 * ({@code rope_theta} and {@code rope_scaling}). The formulas are those of Transformers' modeling_rope_utils, in float32
 * where it uses float32.
 */
final class RopeReader {
    private static final double DEFAULT_THETA = 10_000;
    private static final Set<String> LAYER_TYPES = Set.of("full_attention", "sliding_attention");

    private final JsonObject config;
    private final JsonObject rope;
    private final int headSize;
    private final int maxPositions;

    private RopeReader(JsonObject config, JsonObject rope, int headSize, int maxPositions) {
        this.config = config;
        this.rope = rope;
        this.headSize = headSize;
        this.maxPositions = maxPositions;
    }

    static Rope read(JsonObject config, int headSize, int maxPositions) {
        if (headSize % 2 != 0) {
            throw config.unsupported("a head size of " + headSize + " cannot be rotated, it must be even");
        }
        // An empty object counts as absent, as in Transformers.
        JsonObject rope = Stream.of("rope_scaling", "rope_parameters")
                .flatMap(name -> config.object(name).stream())
                .filter(object -> !object.names().isEmpty())
                .findFirst()
                .orElse(config);
        if (rope != config && LAYER_TYPES.containsAll(rope.names())) {
            throw rope.unsupported("rotary parameters that differ between layers are not supported");
        }
        return new RopeReader(config, rope, headSize, maxPositions).rope();
    }

    private Rope rope() {
        String type = rope == config
                ? "default"
                : rope.string("rope_type").or(() -> rope.string("type")).orElse("default");
        double partial = rope.number("partial_rotary_factor")
                .orElse(config.number("partial_rotary_factor").orElse(1));
        if (partial != 1) {
            throw rope.unsupported("partial_rotary_factor " + partial + " is not supported, only 1");
        }
        float theta = (float)
                rope.number("rope_theta").orElse(config.number("rope_theta").orElse(DEFAULT_THETA));
        if (!(theta > 0)) {
            throw rope.unsupported("rope_theta is " + theta + ", it must be more than 0");
        }
        float[] inverse = inverse(theta, headSize);
        return switch (type) {
            case "default" -> fixed(type, inverse, 1);
            case "linear" -> fixed(type, linear(inverse), 1);
            case "llama3" -> fixed(type, llama3(inverse), 1);
            case "yarn" -> yarn(theta);
            case "dynamic" ->
                new Rope.Dynamic(theta, headSize, factor(), maxPositions, new RotaryFrequencies(inverse, 1));
            default ->
                throw rope.unsupported("the rotary variant " + type
                        + " is not supported; supported are default, linear, llama3, yarn, dynamic");
        };
    }

    private static Rope fixed(String type, float[] inverse, double scaling) {
        return new Rope.Fixed(type, new RotaryFrequencies(inverse, (float) scaling));
    }

    /** {@code 1 / base^(2i / size)} for each pair of components. */
    static float[] inverse(double base, int size) {
        float[] inverse = new float[size / 2];
        for (int i = 0; i < inverse.length; i++) {
            float exponent = (float) (2 * i) / size;
            inverse[i] = 1 / (float) Math.pow(base, exponent);
        }
        return inverse;
    }

    private double factor() {
        double factor = rope.requiredNumber("factor");
        if (!(factor > 0)) {
            throw rope.unsupported("factor is " + factor + ", it must be more than 0");
        }
        return factor;
    }

    private int originalLength() {
        // Some models keep the length of the training beside the rotary parameters; there it takes precedence.
        int beside = config.integerOr("original_max_position_embeddings", 1, 0);
        return beside > 0 ? beside : rope.integerOr("original_max_position_embeddings", 1, maxPositions);
    }

    private float[] linear(float[] inverse) {
        float factor = (float) factor();
        for (int i = 0; i < inverse.length; i++) {
            inverse[i] /= factor;
        }
        return inverse;
    }

    /** Llama 3.1: long waves are stretched, short ones kept, those between mixed. */
    private float[] llama3(float[] inverse) {
        double factor = factor();
        double low = rope.requiredNumber("low_freq_factor");
        double high = rope.requiredNumber("high_freq_factor");
        double trained = originalLength();
        for (int i = 0; i < inverse.length; i++) {
            float wavelength = (float) (2 * Math.PI) / inverse[i];
            if (wavelength > trained / low) {
                inverse[i] = inverse[i] / (float) factor;
            } else if (wavelength >= trained / high) {
                double smooth = (trained / wavelength - low) / (high - low);
                inverse[i] = (float) ((1 - smooth) * inverse[i] / factor + smooth * inverse[i]);
            }
        }
        return inverse;
    }

    /** YaRN (https://arxiv.org/abs/2309.00071). */
    private Rope yarn(double theta) {
        double trained = originalLength();
        double factor = rope.has("factor") ? factor() : maxPositions / trained;
        double fast = nonZero("beta_fast", 32);
        double slow = nonZero("beta_slow", 1);
        double low = correction(fast, theta, trained);
        double high = correction(slow, theta, trained);
        // Absent means true; null counts as false, as it does for Python.
        if (rope.bool("truncate", !rope.names().contains("truncate"))) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, headSize - 1);
        if (low == high) {
            high += 0.001;
        }
        float[] inverse = new float[headSize / 2];
        for (int i = 0; i < inverse.length; i++) {
            float wave = (float) Math.pow(theta, (float) (2 * i) / headSize);
            float kept = 1 - (float) Math.clamp((i - low) / (high - low), 0, 1);
            inverse[i] = 1 / ((float) factor * wave) * (1 - kept) + 1 / wave * kept;
        }
        return fixed("yarn", inverse, attentionFactor(factor));
    }

    private double correction(double rotations, double theta, double trained) {
        return headSize * Math.log(trained / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private double attentionFactor(double factor) {
        if (rope.has("attention_factor")) {
            return rope.requiredNumber("attention_factor");
        }
        double scale = rope.number("mscale").orElse(0);
        double scaleAll = rope.number("mscale_all_dim").orElse(0);
        return scale != 0 && scaleAll != 0
                ? magnitude(factor, scale) / magnitude(factor, scaleAll)
                : magnitude(factor, 1);
    }

    private static double magnitude(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private double nonZero(String name, double otherwise) {
        double value = rope.number(name).orElse(0);
        return value == 0 ? otherwise : value;
    }
}
