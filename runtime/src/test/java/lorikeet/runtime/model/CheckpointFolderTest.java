package lorikeet.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.TensorFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A checkpoint's folder, whole and otherwise: a Llama of one layer with 12 tokens. */
class CheckpointFolderTest {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";

    @TempDir
    private Path folder;

    @BeforeEach
    void writeConfig() throws IOException {
        config("");
    }

    private void config(String fields) throws IOException {
        write(
                "config.json",
                "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 8, \"intermediate_size\": 10,"
                        + " \"num_attention_heads\": 2, \"num_hidden_layers\": 1, \"vocab_size\": 12" + fields + "}");
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static TensorFile tensors() {
        String layer = "model.layers.0.";
        return new TensorFile(5)
                .random(EMBEDDING, 12, 8)
                .random(layer + "input_layernorm.weight", 8)
                .random(layer + "self_attn.q_proj.weight", 8, 8)
                .random(layer + "self_attn.k_proj.weight", 8, 8)
                .random(layer + "self_attn.v_proj.weight", 8, 8)
                .random(layer + "self_attn.o_proj.weight", 8, 8)
                .random(layer + "post_attention_layernorm.weight", 8)
                .random(layer + "mlp.gate_proj.weight", 10, 8)
                .random(layer + "mlp.up_proj.weight", 10, 8)
                .random(layer + "mlp.down_proj.weight", 8, 10)
                .random("model.norm.weight", 8)
                .random(HEAD, 12, 8);
    }

    private void write(TensorFile file) {
        file.write(folder.resolve("model.safetensors"));
    }

    /** Whether the model that is in the folder has a head that is its embedding table. */
    private boolean tied() {
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                CpuOperations operations = new CpuOperations(1)) {
            return checkpoint.weights(operations).tied();
        }
    }

    private void assertRefused(ErrorCode code, String... parts) {
        assertThatThrownBy(this::tied)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(folder.toString())
                .hasMessageContainingAll(parts);
    }

    @Test
    void headsThatAreTiedAndHeadsThatAreNot() throws IOException {
        write(tensors());
        assertThat(tied()).isFalse();
        config(", \"tie_word_embeddings\": true");
        // As in Transformers 5, a head of its own counts whatever the configuration says.
        assertThat(tied()).isFalse();
        write(tensors().without(HEAD));
        assertThat(tied()).isTrue();
        write(tensors().without(HEAD).copy(EMBEDDING, HEAD));
        assertThat(tied()).isTrue();
        write(tensors().without(EMBEDDING));
        assertThat(tied()).isTrue();
        config(", \"tie_word_embeddings\": false");
        assertRefused(ErrorCode.INVALID_FILE, EMBEDDING, "is missing");
        write(tensors().without(HEAD).copy(EMBEDDING, HEAD));
        assertThat(tied()).isFalse();
        write(tensors().without(HEAD));
        assertRefused(ErrorCode.INVALID_FILE, HEAD, "is missing");
    }

    @Test
    void tensorsBesideTheModelsOwnDoNoHarm() {
        write(tensors()
                .random("model.layers.0.self_attn.rotary_emb.inv_freq", 2)
                .random("model.layers.1.mlp.up_proj.weight", 10, 8)
                .random("vision.weight", 3));
        assertThat(tied()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "model.layers.0.self_attn.k_proj.weight, is missing",
        "model.layers.0.post_attention_layernorm.weight, is missing",
        "model.norm.weight, is missing",
    })
    void namesATensorThatIsMissing(String name, String problem) {
        write(tensors().without(name));
        assertRefused(ErrorCode.INVALID_FILE, name, problem);
    }

    @Test
    void namesATensorOfAnotherShape() throws IOException {
        write(tensors().without("model.norm.weight").random("model.norm.weight", 8, 1));
        assertRefused(ErrorCode.INVALID_FILE, "model.norm.weight", "[8, 1]", "[8]");
        write(tensors().without(EMBEDDING).random(EMBEDDING, 13, 8));
        assertRefused(ErrorCode.INVALID_FILE, EMBEDDING, "[13, 8]", "[12, 8]");
        write(tensors());
        config(", \"attention_bias\": true");
        assertRefused(ErrorCode.INVALID_FILE, "model.layers.0.self_attn.q_proj.bias", "is missing");
        config(", \"mlp_bias\": true");
        assertRefused(ErrorCode.INVALID_FILE, "model.layers.0.mlp.gate_proj.bias", "is missing");
        config(", \"num_key_value_heads\": 1");
        assertRefused(ErrorCode.INVALID_FILE, "model.layers.0.self_attn.k_proj.weight", "[8, 8]", "[4, 8]");
        config(", \"head_dim\": 6");
        assertRefused(ErrorCode.INVALID_FILE, "model.layers.0.self_attn.q_proj.weight", "[8, 8]", "[12, 8]");
    }

    @Test
    void foldersWithoutWhatIsNeeded() throws IOException {
        assertRefused(ErrorCode.INVALID_FILE, "no weights", "model.safetensors");
        write("pytorch_model.bin", "a pickle");
        assertRefused(ErrorCode.INVALID_FILE, "pytorch_model.bin", "unpickling runs code", "convert");
        write(tensors());
        assertThat(tied()).isFalse();
        Files.delete(folder.resolve("config.json"));
        assertRefused(ErrorCode.NOT_FOUND, "config.json", "no such file");
        for (String broken : new String[] {"", "null", "[]", "{", "{\"a\": 1} {}", "{\"a\": 1, \"a\": 2}"}) {
            write("config.json", broken);
            assertRefused(ErrorCode.INVALID_FILE, "config.json");
        }
    }

    @Test
    void numbersThatOnlyPythonWritesCountWhereTheyMatter() throws IOException {
        config(", \"initializer_range\": NaN, \"other\": -Infinity");
        write(tensors());
        assertThat(tied()).isFalse();
        config(", \"rope_theta\": Infinity");
        assertRefused(ErrorCode.INVALID_FILE, "rope_theta", "a number");
        config(", \"head_dim\": NaN");
        assertRefused(ErrorCode.INVALID_FILE, "head_dim", "a whole number");
    }

    @Test
    void shardsBehindAnIndex() throws IOException {
        tensors().without(HEAD).write(folder.resolve("model-00001-of-00002.safetensors"));
        new TensorFile(6).random(HEAD, 12, 8).write(folder.resolve("model-00002-of-00002.safetensors"));
        assertRefused(ErrorCode.INVALID_FILE, "holds [model-00001-of-00002.safetensors, ", "but not model.safetensors");
        StringBuilder map = new StringBuilder();
        try (Checkpoint whole = open(tensors())) {
            whole.files()
                    .tensors()
                    .keySet()
                    .forEach(name -> map.append(map.isEmpty() ? "" : ", ")
                            .append("\"%s\": \"model-0000%d-of-00002.safetensors\""
                                    .formatted(name, name.equals(HEAD) ? 2 : 1)));
        }
        Files.delete(folder.resolve("model.safetensors"));
        String index = "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {" + map + "}}";
        write("model.safetensors.index.json", index);
        assertThat(tied()).isFalse();
        write("model.safetensors.index.json", index.replace("00002-of-00002", "00001-of-00002"));
        assertRefused(ErrorCode.INVALID_FILE, HEAD, "model-00001-of-00002.safetensors");
        write("model.safetensors.index.json", index.replace("00002-of-00002", "00003-of-00003"));
        assertRefused(ErrorCode.INVALID_FILE, HEAD, "00003-of-00003.safetensors", "missing");
        write("model.safetensors.index.json", index.replace("model-00002-of", "../model-00002-of"));
        assertRefused(ErrorCode.INVALID_FILE, "model.safetensors.index.json");
        write("model.safetensors.index.json", "{\"weight_map\": 3}");
        assertRefused(ErrorCode.INVALID_FILE, "model.safetensors.index.json");
    }

    private Checkpoint open(TensorFile file) {
        write(file);
        return Checkpoint.open(folder);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"eos_token_id\": 2             | -                          | 2",
                "\"eos_token_id\": [2, 3]        | -                          | 2,3",
                "\"eos_token_id\": [2, 3]        | \"eos_token_id\": 4        | 4",
                "\"eos_token_id\": 2             | \"eos_token_id\": [4, 5]   | 4,5",
                "\"eos_token_id\": 2             | \"eos_token_id\": null     | 2",
                "\"eos_token_id\": 2             | \"pad_token_id\": 7        | 2",
                "\"eos_token_id\": null          | -                          | ``",
            })
    void endTokens(String config, String generation, String expected) throws IOException {
        config(", " + config);
        if (!generation.equals("-")) {
            write("generation_config.json", "{" + generation + "}");
        }
        try (Checkpoint checkpoint = open(tensors())) {
            Set<String> ids = Set.copyOf(checkpoint.generation().endTokens().stream()
                    .map(String::valueOf)
                    .toList());
            assertThat(ids).isEqualTo(expected.isEmpty() ? Set.of() : Set.of(expected.split(",")));
        }
    }

    @Test
    void recommendedSampling() throws IOException {
        write("generation_config.json", "{\"do_sample\": true, \"temperature\": 0.5, \"top_k\": null}");
        try (Checkpoint checkpoint = open(tensors())) {
            assertThat(checkpoint.generation().sampling().temperature()).isEqualTo(0.5f);
            assertThat(checkpoint.generation().sampling().topK()).isEqualTo(50);
        }
        write("generation_config.json", "{\"temperature\": 0.5}");
        try (Checkpoint checkpoint = open(tensors())) {
            assertThat(checkpoint.generation().sampling().temperature()).isZero();
        }
        write("generation_config.json", "{\"do_sample\": true, \"top_p\": 7}");
        assertRefused(ErrorCode.INCOMPATIBLE, "generation_config.json", "7");
        write("generation_config.json", "[1]");
        assertRefused(ErrorCode.INVALID_FILE, "generation_config.json");
    }
}
