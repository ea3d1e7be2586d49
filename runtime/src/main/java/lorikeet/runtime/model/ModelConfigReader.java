package lorikeet.runtime.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import lorikeet.runtime.json.JsonObject;

/**
 * Reads config.json with the defaults of each family's configuration class in Transformers. A field that would change
 * the result and isn't supported is refused by name.
 */
final class ModelConfigReader {
    private static final Set<String> SILU = Set.of("silu", "swish");

    private final JsonObject json;
    private final Family family;

    private ModelConfigReader(JsonObject json) {
        this.json = json;
        this.family = Family.of(json);
    }

    static ModelConfig read(JsonObject json) {
        return new ModelConfigReader(json).config();
    }

    private ModelConfig config() {
        if (json.has("quantization_config")) {
            throw json.unsupported("quantized weights (quantization_config) are not supported");
        }
        String activation = json.string("hidden_act").orElse("silu");
        if (!SILU.contains(activation)) {
            throw json.unsupported("hidden_act " + activation + " is not supported, only silu");
        }
        int hidden = json.integer("hidden_size", 1);
        int heads = json.integer("num_attention_heads", 1);
        int layers = json.integer("num_hidden_layers", 1);
        int kvHeads = json.integerOr("num_key_value_heads", 1, defaultKvHeads(heads));
        if (heads % kvHeads != 0) {
            throw json.unsupported(heads + " query heads can't share " + kvHeads + " key and value heads evenly");
        }
        int headSize = headSize(hidden, heads);
        int maxPositions = json.integerOr("max_position_embeddings", 1, defaultMaxPositions());
        boolean attentionBias = json.bool("attention_bias", false) && family != Family.MISTRAL;
        return new ModelConfig(
                family,
                json.integer("vocab_size", 1),
                hidden,
                json.integer("intermediate_size", 1),
                layers,
                heads,
                kvHeads,
                headSize,
                windows(layers),
                (float) json.number("rms_norm_eps").orElse(1e-6),
                json.bool("tie_word_embeddings", false),
                family == Family.QWEN2 || attentionBias,
                family != Family.QWEN2 && attentionBias,
                family == Family.LLAMA && json.bool("mlp_bias", false),
                family == Family.QWEN3,
                maxPositions,
                RopeReader.read(json, headSize, maxPositions));
    }

    private int headSize(int hidden, int heads) {
        if (json.has("head_dim")) {
            return json.integer("head_dim", 1);
        }
        if (family == Family.QWEN3) {
            return 128;
        }
        if (hidden % heads != 0) {
            throw json.unsupported("hidden_size " + hidden + " is no multiple of " + heads + " heads");
        }
        return hidden / heads;
    }

    private int defaultKvHeads(int heads) {
        return switch (family) {
            case LLAMA -> heads;
            case MISTRAL -> 8;
            case QWEN2, QWEN3 -> 32;
        };
    }

    private int defaultMaxPositions() {
        return switch (family) {
            case LLAMA -> 2048;
            case MISTRAL -> 4096 * 32;
            case QWEN2, QWEN3 -> 32768;
        };
    }

    private List<Integer> windows(int layers) {
        return switch (family) {
            case LLAMA -> Collections.nCopies(layers, 0);
            case MISTRAL -> Collections.nCopies(layers, window());
            case QWEN2, QWEN3 -> qwenWindows(layers);
        };
    }

    /** Absent means Transformers' default of 4096, null means none. */
    private int window() {
        return json.names().contains("sliding_window") ? json.integerOr("sliding_window", 1, 0) : 4096;
    }

    private List<Integer> qwenWindows(int layers) {
        int window = json.bool("use_sliding_window", false) ? window() : 0;
        int firstSliding = json.integerOr("max_window_layers", 0, 28);
        List<String> types = json.strings("layer_types").orElse(List.of());
        if (!types.isEmpty() && types.size() != layers) {
            throw json.unsupported("layer_types has " + types.size() + " entries for " + layers + " layers");
        }
        List<Integer> windows = new ArrayList<>(layers);
        for (int layer = 0; layer < layers; layer++) {
            String type = types.isEmpty()
                    ? (layer >= firstSliding ? "sliding_attention" : "full_attention")
                    : types.get(layer);
            windows.add(
                    switch (type) {
                        case "full_attention" -> 0;
                        case "sliding_attention" -> window;
                        default ->
                            throw json.unsupported("the layer type " + type
                                    + " is not supported; supported are full_attention, sliding_attention");
                    });
        }
        return windows;
    }
}
