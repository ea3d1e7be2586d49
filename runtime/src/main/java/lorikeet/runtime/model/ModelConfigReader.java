package lorikeet.runtime.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import lorikeet.runtime.json.JsonObject;

/**
 * Reads config.json with the defaults of each family's configuration class in Transformers. A field that would change
 * the result and isn't supported is refused by name.
 */
final class ModelConfigReader {
    private static final Set<String> SILU = Set.of("silu", "swish");
    // Far above any model's; they bound what a damaged file can cost, and their products stay in range.
    private static final int MOST_LAYERS = 4096;
    private static final int MOST_HEADS = 16_384;
    private static final int MOST_HEAD_SIZE = 16_384;

    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";

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
        int heads = atMost("num_attention_heads", json.integer("num_attention_heads", 1), MOST_HEADS);
        int layers = atMost("num_hidden_layers", json.integer("num_hidden_layers", 1), MOST_LAYERS);
        int kvHeads = kvHeads(heads);
        if (heads % kvHeads != 0) {
            throw json.unsupported(heads + " query heads can't share " + kvHeads + " key and value heads evenly");
        }
        int headSize = atMost("head_dim", headSize(hidden, heads), MOST_HEAD_SIZE);
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

    private int atMost(String name, int value, int most) {
        if (value > most) {
            throw json.unsupported(name + " is " + value + ", at most " + most + " is supported");
        }
        return value;
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

    /** Absent means the default of the family's configuration class, null means as many as query heads. */
    private int kvHeads(int heads) {
        if (json.names().contains("num_key_value_heads")) {
            return json.integerOr("num_key_value_heads", 1, heads);
        }
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
            case LLAMA -> windows(layers, 0, layers);
            case MISTRAL -> windows(layers, window(), 0);
            case QWEN2, QWEN3 ->
                windows(
                        layers,
                        json.bool("use_sliding_window", false) ? window() : 0,
                        json.integerOr("max_window_layers", 0, 28));
        };
    }

    /** Absent means Transformers' default of 4096, null means none. */
    private int window() {
        return json.names().contains("sliding_window") ? json.integerOr("sliding_window", 1, 0) : 4096;
    }

    /**
     * The windows as {@code layer_types} has them, or from layer {@code firstSliding} on where it isn't there. Transformers
     * runs a Mistral model that has layer types as Ministral, which goes by them.
     */
    private List<Integer> windows(int layers, int window, int firstSliding) {
        List<String> types = json.strings("layer_types").orElse(List.of());
        if (!types.isEmpty() && types.size() != layers) {
            throw json.unsupported("layer_types has " + types.size() + " entries for " + layers + " layers");
        }
        Set<String> known = family == Family.LLAMA ? Set.of(FULL) : Set.of(FULL, SLIDING);
        List<Integer> windows = new ArrayList<>(layers);
        for (int layer = 0; layer < layers; layer++) {
            String type = types.isEmpty() ? (layer >= firstSliding ? SLIDING : FULL) : types.get(layer);
            if (!known.contains(type)) {
                throw json.unsupported("the layer type " + type + " is not supported; supported are "
                        + known.stream().sorted().collect(Collectors.joining(", ")));
            }
            windows.add(type.equals(SLIDING) ? window : 0);
        }
        return windows;
    }
}
