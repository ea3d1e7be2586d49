package lorikeet.jmh;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lorikeet.memory.ElementType;

/**
 * A Llama of random weights in bf16, and adapters for it: of a size that matters to a benchmark, and of no other use.
 *
 * @param hidden components of a hidden state
 * @param layers number of layers
 * @param heads number of query heads
 * @param kvHeads number of key and value heads
 * @param inner width of the feed-forward part
 * @param vocabulary number of tokens
 * @param tied whether the embeddings are the head, too
 */
public record RandomModel(int hidden, int layers, int heads, int kvHeads, int inner, int vocabulary, boolean tied) {
    /** 221 million parameters, 443 MB: more than the caches of most machines hold. */
    public static final RandomModel LARGE = new RandomModel(1024, 8, 16, 4, 2816, 128_256, true);

    private static final long SEED = 20_250_101;
    private static final String WEIGHTS = "model.safetensors";

    /** Multiply-adds that a token's matrix products take, the head left out. */
    public long multiplyAdds() {
        return (long) layers * hidden * (2L * hidden + 2L * keys() + 3L * inner);
    }

    /** Multiply-adds of the head, for a token whose logits are wanted. */
    public long headMultiplyAdds() {
        return (long) vocabulary * hidden;
    }

    /** Multiply-adds of causal attention over a prompt: each token's scores and weighted values. */
    public long attentionMultiplyAdds(int tokens) {
        return (long) layers * hidden * tokens * (tokens + 1);
    }

    private int keys() {
        return hidden / heads * kvHeads;
    }

    /**
     * Writes a checkpoint, without a tokenizer, unless it is there already.
     *
     * @param parent the folder to write it in
     * @return the checkpoint's folder
     */
    public Path write(Path parent) throws IOException {
        Path folder = parent.resolve("h%d-l%d-v%d%s".formatted(hidden, layers, vocabulary, tied ? "" : "-untied"));
        if (!Files.exists(folder.resolve("config.json"))) {
            Files.createDirectories(folder);
            tensors().write(folder.resolve(WEIGHTS), SEED);
            // Last, so that a folder with a configuration is complete.
            Files.writeString(folder.resolve("config.json"), config());
        }
        return folder;
    }

    /** Writes a tokenizer of meaningless words into a checkpoint's folder, unless it is there already. */
    public void writeTokenizer(Path folder) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.exists(file)) {
            String words = IntStream.range(0, vocabulary)
                    .mapToObj(id -> "\"w%d\":%d".formatted(id, id))
                    .collect(Collectors.joining(","));
            Files.writeString(file, """
                    {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"},
                     "model": {"type": "WordLevel", "unk_token": "w0", "vocab": {%s}}}
                    """.formatted(words));
        }
    }

    private String config() {
        return """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
                 "hidden_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
                 "intermediate_size": %d, "vocab_size": %d, "max_position_embeddings": 8192,
                 "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": %b, "torch_dtype": "bfloat16"}
                """.formatted(hidden, layers, heads, kvHeads, inner, vocabulary, tied);
    }

    private RandomTensors tensors() {
        RandomTensors tensors = new RandomTensors(ElementType.BF16);
        tensors.matrix("model.embed_tokens.weight", vocabulary, hidden);
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            tensors.ones(prefix + "input_layernorm.weight", hidden);
            tensors.ones(prefix + "post_attention_layernorm.weight", hidden);
            forEachLinear((name, out, in) -> tensors.matrix(prefix + name + ".weight", out, in));
        }
        tensors.ones("model.norm.weight", hidden);
        if (!tied) {
            tensors.matrix("lm_head.weight", vocabulary, hidden);
        }
        return tensors;
    }

    /**
     * Writes an adapter of all seven projections of every layer, unless it is there already.
     *
     * @param parent the folder to write it in
     * @param rank its rank
     * @param type F32, as PEFT saves them, or BF16
     * @param number tells apart adapters that are otherwise alike
     * @return the adapter's folder
     */
    public Path writeAdapter(Path parent, int rank, ElementType type, int number) throws IOException {
        Path folder = parent.resolve("h%d-l%d-adapter-r%d-%s-%d".formatted(hidden, layers, rank, type, number));
        if (!Files.exists(folder.resolve("adapter_config.json"))) {
            Files.createDirectories(folder);
            RandomTensors tensors = new RandomTensors(type);
            for (int layer = 0; layer < layers; layer++) {
                String prefix = "base_model.model.model.layers." + layer + ".";
                forEachLinear((name, out, in) -> {
                    tensors.matrix(prefix + name + ".lora_A.weight", rank, in);
                    tensors.matrix(prefix + name + ".lora_B.weight", out, rank);
                });
            }
            tensors.write(folder.resolve("adapter_model.safetensors"), SEED + 1 + number);
            Files.writeString(folder.resolve("adapter_config.json"), """
                            {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": %d, "lora_alpha": %d,
                             "target_modules": "all-linear"}
                            """.formatted(rank, 2 * rank));
        }
        return folder;
    }

    private interface LinearVisitor {
        void visit(String name, int out, int in);
    }

    private void forEachLinear(LinearVisitor visitor) {
        visitor.visit("self_attn.q_proj", hidden, hidden);
        visitor.visit("self_attn.k_proj", keys(), hidden);
        visitor.visit("self_attn.v_proj", keys(), hidden);
        visitor.visit("self_attn.o_proj", hidden, hidden);
        visitor.visit("mlp.gate_proj", inner, hidden);
        visitor.visit("mlp.up_proj", inner, hidden);
        visitor.visit("mlp.down_proj", hidden, inner);
    }
}
