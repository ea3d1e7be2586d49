package lorikeet.runtime.adapter;

import java.util.Optional;

/**
 * The name of a tensor in an adapter's file, taken apart: {@code base_model.model.<module>.<part>}.
 *
 * @param module the path of the base model's module, such as {@code model.layers.0.self_attn.q_proj}
 * @param part what the tensor is for it
 */
record TensorName(String module, Part part) {
    private static final String PREFIX = "base_model.model.";

    /** What a tensor is for its module, with the end of its name. */
    enum Part {
        LORA_A(".lora_A.weight"),
        LORA_B(".lora_B.weight"),
        LORA_BIAS(".lora_B.bias"),
        MAGNITUDE(".lora_magnitude_vector"),
        MAGNITUDE_WEIGHT(".lora_magnitude_vector.weight"),
        EMBEDDING_A(".lora_embedding_A"),
        EMBEDDING_B(".lora_embedding_B"),
        TOKEN_ROWS(".token_adapter.trainable_tokens_delta"),
        /** PEFT saves copies of the base model's weight beside changes of the embedding table or the head. */
        TOKEN_BASE_WEIGHT(".token_adapter.base_layer.weight"),
        /** Must come after the one before, which ends like this one. */
        BASE_WEIGHT(".base_layer.weight"),
        /** The base model's weight that a whole one takes the place of. */
        REPLACED_WEIGHT(".original_module.weight"),
        /** The whole weight a second time. */
        WHOLE_WEIGHT_AGAIN(".modules_to_save.weight"),
        /** Must come last: other ends end like this one. */
        WHOLE_WEIGHT(".weight");

        private final String end;

        Part(String end) {
            this.end = end;
        }
    }

    /** Takes a name apart; empty if it doesn't end like any part. */
    static Optional<TensorName> parse(String name) {
        for (Part part : Part.values()) {
            if (name.endsWith(part.end)) {
                int start = name.startsWith(PREFIX) ? PREFIX.length() : 0;
                int end = name.length() - part.end.length();
                if (end <= start) {
                    return Optional.empty();
                }
                Part kept = part == Part.MAGNITUDE_WEIGHT ? Part.MAGNITUDE : part;
                return Optional.of(new TensorName(name.substring(start, end), kept));
            }
        }
        return Optional.empty();
    }
}
