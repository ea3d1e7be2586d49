package lorikeet.runtime.model;

import java.util.Optional;

/** The modules of one layer that have weights, with their path below {@code model.layers.N} in checkpoints. */
public enum LayerPart {
    QUERY("self_attn.q_proj"),
    KEY("self_attn.k_proj"),
    VALUE("self_attn.v_proj"),
    OUTPUT("self_attn.o_proj"),
    GATE("mlp.gate_proj"),
    UP("mlp.up_proj"),
    DOWN("mlp.down_proj"),
    INPUT_NORM("input_layernorm"),
    MLP_NORM("post_attention_layernorm"),
    QUERY_NORM("self_attn.q_norm"),
    KEY_NORM("self_attn.k_norm");

    private final String path;

    LayerPart(String path) {
        this.path = path;
    }

    /** The module's path below its layer. */
    public String path() {
        return path;
    }

    /** The part with this path, if there is one. */
    static Optional<LayerPart> at(String path) {
        for (LayerPart part : values()) {
            if (part.path.equals(path)) {
                return Optional.of(part);
            }
        }
        return Optional.empty();
    }
}
