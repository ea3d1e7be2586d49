package lorikeet.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A random model with heads of 64, and an adapter of it: what the reference sets, whose heads are smaller, have no example of.
 * Decode steps then turn and store q, k and v in the launch of their product.
 */
final class WideHeads {
    private static final int HIDDEN = 128;
    private static final int GATED = 192;
    private static final int LAYERS = 2;
    private static final int VOCABULARY = 450;
    private static final int QUERIES = 4 * 64;
    private static final int KEYS = 2 * 64;
    private static final int RANK = 5;

    /** Outputs and inputs of what an adapter may change. */
    private static final Map<String, int[]> MODULES = Map.of(
            "self_attn.q_proj", new int[] {QUERIES, HIDDEN},
            "self_attn.k_proj", new int[] {KEYS, HIDDEN},
            "self_attn.v_proj", new int[] {KEYS, HIDDEN},
            "self_attn.o_proj", new int[] {HIDDEN, QUERIES},
            "mlp.gate_proj", new int[] {GATED, HIDDEN},
            "mlp.up_proj", new int[] {GATED, HIDDEN},
            "mlp.down_proj", new int[] {HIDDEN, GATED});

    private static final String CONFIG = """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "vocab_size": %d,
             "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": 4,
             "num_key_value_heads": 2, "head_dim": 64, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
             "rope_theta": 10000.0, "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2}
            """.formatted(VOCABULARY, HIDDEN, GATED, LAYERS);

    private static final String ADAPTER_CONFIG = """
            {"peft_type": "LORA", "r": %d, "lora_alpha": 8, "bias": "none",
             "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
            """.formatted(RANK);

    private WideHeads() {}

    /**
     * Writes both.
     *
     * @param folder gets the folders model and adapter
     * @param tokenizer the model folder whose tokenizer it takes
     */
    static void write(Path folder, Path tokenizer) throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        Path adapter = Files.createDirectories(folder.resolve("adapter"));
        for (String file : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
            Files.copy(tokenizer.resolve(file), model.resolve(file));
        }
        Files.writeString(model.resolve("config.json"), CONFIG);
        Files.writeString(adapter.resolve("adapter_config.json"), ADAPTER_CONFIG);
        TensorFile weights = new TensorFile(1)
                .random("model.embed_tokens.weight", VOCABULARY, HIDDEN)
                .constant(1, "model.norm.weight", HIDDEN);
        TensorFile changes = new TensorFile(2);
        for (int i = 0; i < LAYERS; i++) {
            String layer = "model.layers." + i + ".";
            weights.constant(1, layer + "input_layernorm.weight", HIDDEN)
                    .constant(1, layer + "post_attention_layernorm.weight", HIDDEN);
            MODULES.forEach((module, size) -> {
                weights.random(layer + module + ".weight", size);
                changes.random("base_model.model." + layer + module + ".lora_A.weight", RANK, size[1])
                        .random("base_model.model." + layer + module + ".lora_B.weight", size[0], RANK);
            });
        }
        weights.write(model.resolve("model.safetensors"));
        changes.write(adapter.resolve("adapter_model.safetensors"));
    }
}
