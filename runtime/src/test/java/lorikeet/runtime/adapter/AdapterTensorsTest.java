package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Golden;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.TensorFile;
import lorikeet.runtime.adapter.LoadedAdapter.ChangedModule;
import lorikeet.runtime.model.Checkpoint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an adapter's files may hold, for a model with 512 tokens, a hidden size of 64 and 2 layers. */
class AdapterTensorsTest {
    private static final String PREFIX = "base_model.model.";
    private static final String QUERY = PREFIX + "model.layers.0.self_attn.q_proj";
    private static final String EMBEDDING = PREFIX + "model.embed_tokens";
    private static final String HEAD = PREFIX + "lm_head";

    @TempDir
    private Path folder;

    private final CpuOperations operations = new CpuOperations(1);
    private Checkpoint model = Checkpoint.open(Golden.set("llama").resolve("model"));

    @BeforeEach
    void writeConfig() {
        config("\"r\": 4");
    }

    @AfterEach
    void close() {
        model.close();
        operations.close();
    }

    private void config(String fields) {
        write("adapter_config.json", "{\"peft_type\": \"LORA\", " + fields + "}");
    }

    private void write(String name, String text) {
        try {
            Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TensorFile query() {
        return new TensorFile(1).random(QUERY + ".lora_A.weight", 4, 64).random(QUERY + ".lora_B.weight", 64, 4);
    }

    private LoadedAdapter load(TensorFile file) {
        file.write(folder.resolve("adapter_model.safetensors"));
        return load();
    }

    private LoadedAdapter load() {
        return AdapterLoader.load(folder, model.weights(operations), operations);
    }

    private void assertRefused(ErrorCode code, TensorFile file, String... parts) {
        file.write(folder.resolve("adapter_model.safetensors"));
        assertRefused(code, parts);
    }

    private void assertRefused(ErrorCode code, String... parts) {
        assertThatThrownBy(this::load)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(folder.toString())
                .hasMessageContainingAll(parts);
    }

    @Test
    void aPlainAdapterIsTaken() {
        try (LoadedAdapter adapter = load(query())) {
            assertThat(adapter.modules())
                    .containsExactly(new ChangedModule("model.layers.0.self_attn.q_proj", "LoRA", 4, 2));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"adapter_model.bin", "adapter_model.pt"})
    void refusesPicklesAndSaysWhatToDo(String name) {
        write(name, "a pickle");
        assertRefused(ErrorCode.INVALID_FILE, name, "unpickling runs code", "convert");
    }

    @Test
    void refusesFoldersThatAreNone() throws IOException {
        assertRefused(ErrorCode.INVALID_FILE, "no weights", "adapter_model.safetensors");
        Files.delete(folder.resolve("adapter_config.json"));
        query().write(folder.resolve("adapter_model.safetensors"));
        assertRefused(ErrorCode.NOT_FOUND, "adapter_config.json", "no such file");
        Files.delete(folder.resolve("adapter_model.safetensors"));
        Files.delete(folder);
        assertRefused(ErrorCode.NOT_FOUND, "no such folder");
    }

    @Test
    void refusesAFileWithoutTensors() {
        assertRefused(ErrorCode.INVALID_FILE, new TensorFile(1), "no tensors");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "model.layers.0.self_attn.q_proj.bias                    | not a tensor that PEFT's LoRA has",
                "model.layers.0.self_attn.q_proj.lora_A                  | not a tensor that PEFT's LoRA has",
                "model.layers.0.self_attn.q_proj.lora_E                  | not a tensor that PEFT's LoRA has",
                "model.layers.0.self_attn.q_proj.lora_diag               | not a tensor that PEFT's LoRA has",
                "model.layers.0.self_attn.q_proj.ranknum                 | not a tensor that PEFT's LoRA has",
                "model.layers.0.self_attn.q_proj.lora_A.default.weight   | module that the base model doesn't have",
                "model.layers.2.self_attn.q_proj.lora_A.weight           | module that the base model doesn't have",
                "model.layers.00.self_attn.q_proj.lora_A.weight          | module that the base model doesn't have",
                "model.layers.0.self_attn.qkv_proj.lora_A.weight         | module that the base model doesn't have",
                "model.layers.0.mlp.experts.base_layer.lora_A.weight     | module that the base model doesn't have",
                "score.weight                                            | module that the base model doesn't have",
                "model.layers.0.self_attn.q_proj.lora_embedding_A        | does not fit the module",
                "model.layers.0.self_attn.q_proj.lora_magnitude_vector   | use_dora is false",
                "model.layers.0.self_attn.q_proj.lora_B.bias             | lora_bias is false",
                "model.layers.0.self_attn.q_proj.weight                  | does not fit the module",
                "model.layers.0.self_attn.k_proj.lora_A.weight           | without the lora_b tensor",
                "model.layers.0.self_attn.k_proj.lora_B.weight           | without the lora_a tensor",
                "model.layers.0.self_attn.k_proj.weight                  | replaces a linear layer",
                "model.layers.0.input_layernorm.lora_A.weight            | does not fit the module",
                "model.layers.0.self_attn.q_proj.token_adapter.trainable_tokens_delta | does not fit the module",
                "model.norm.token_adapter.trainable_tokens_delta         | has rows for tokens",
            })
    void namesATensorThatHasNoPlace(String name, String reason) {
        assertRefused(ErrorCode.INCOMPATIBLE, query().random(PREFIX + name, 4, 64), PREFIX + name, reason);
    }

    @Test
    void namesShapesThatDoNotFit() {
        config("\"r\": 5");
        assertRefused(ErrorCode.INCOMPATIBLE, query(), QUERY, "[4, 64]", "[5, 64]");
        config("\"r\": 4");
        TensorFile wide =
                new TensorFile(1).random(QUERY + ".lora_A.weight", 4, 65).random(QUERY + ".lora_B.weight", 64, 4);
        assertRefused(ErrorCode.INCOMPATIBLE, wide, QUERY + ".lora_A.weight", "[4, 65]", "[4, 64]");
        TensorFile flat =
                new TensorFile(1).random(QUERY + ".lora_A.weight", 256).random(QUERY + ".lora_B.weight", 64, 4);
        assertRefused(ErrorCode.INCOMPATIBLE, flat, QUERY + ".lora_A.weight", "[256]", "[4, 64]");
    }

    @Test
    void namesWhatTheConfigurationPromises() {
        config("\"r\": 4, \"use_dora\": true");
        assertRefused(ErrorCode.INCOMPATIBLE, query(), "without the magnitude tensor", "q_proj");
        config("\"r\": 4, \"lora_bias\": true");
        assertRefused(ErrorCode.INCOMPATIBLE, query(), "without the lora_bias tensor", "q_proj");
        config("\"r\": 4, \"modules_to_save\": [\"lm_head\", \"model.norm\"]");
        assertRefused(ErrorCode.INVALID_FILE, query(), "modules_to_save", "no tensor");
        config("\"r\": 4, \"modules_to_save\": [\"norm\"]");
        TensorFile onlyTheLast = query().random(PREFIX + "model.norm.weight", 64);
        assertRefused(ErrorCode.INVALID_FILE, onlyTheLast, "modules_to_save", "layernorm", "no tensor");
        config("\"r\": 4, \"modules_to_save\": [\"model.norm\", \"classifier\"]");
        try (LoadedAdapter adapter = load(query().random(PREFIX + "model.norm.weight", 64))) {
            assertThat(adapter.modules()).hasSize(2);
        }
    }

    @Test
    void theSameTensorUnderTwoNamesIsRefused() {
        TensorFile twice = query().random(QUERY.substring(PREFIX.length()) + ".lora_A.weight", 4, 64);
        assertRefused(ErrorCode.INCOMPATIBLE, twice, "means the same as");
        config("\"r\": 4, \"use_dora\": true");
        TensorFile magnitudes = query().random(QUERY + ".lora_magnitude_vector", 64)
                .random(QUERY + ".lora_magnitude_vector.weight", 64);
        assertRefused(ErrorCode.INCOMPATIBLE, magnitudes, "means the same as");
    }

    @Test
    void refusesAddedTokensByName() {
        TensorFile table = new TensorFile(1)
                .random(EMBEDDING + ".lora_embedding_A", 4, 520)
                .random(EMBEDDING + ".lora_embedding_B", 64, 4);
        assertRefused(ErrorCode.INCOMPATIBLE, table, "[4, 520]", "[4, 512]", "added tokens are not supported");
        TensorFile head =
                new TensorFile(1).random(HEAD + ".lora_A.weight", 4, 64).random(HEAD + ".lora_B.weight", 513, 4);
        assertRefused(ErrorCode.INCOMPATIBLE, head, "[513, 4]", "added tokens are not supported");
        config("\"r\": 4, \"modules_to_save\": [\"embed_tokens\"]");
        TensorFile whole = query().random(EMBEDDING + ".weight", 514, 64);
        assertRefused(ErrorCode.INCOMPATIBLE, whole, "[514, 64]", "added tokens are not supported");
        config("\"r\": 4, \"trainable_token_indices\": [511, 512]");
        TensorFile rows = query().random(EMBEDDING + ".token_adapter.trainable_tokens_delta", 2, 64);
        assertRefused(ErrorCode.INCOMPATIBLE, rows, "token 512", "added tokens are not supported");
        TensorFile few = new TensorFile(1)
                .random(EMBEDDING + ".lora_embedding_A", 4, 500)
                .random(EMBEDDING + ".lora_embedding_B", 64, 4);
        few.write(folder.resolve("adapter_model.safetensors"));
        assertThatThrownBy(this::load).hasMessageContaining("[4, 500]").hasMessageNotContaining("added tokens");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[7, 3]",
                "{\"embed_tokens\": [7, 3]}",
                "{\"model.embed_tokens\": [7, 3]}",
                "{\"lm_head\": [1], \"embed_tokens\": [7, 3]}"
            })
    void takesTokenRowsInEveryForm(String tokens) {
        config("\"r\": 4, \"trainable_token_indices\": " + tokens);
        TensorFile file = query().random(EMBEDDING + ".token_adapter.trainable_tokens_delta", 2, 64);
        try (LoadedAdapter adapter = load(file)) {
            assertThat(adapter.modules()).contains(new ChangedModule("model.embed_tokens", "2 tokens' rows", 0, 1));
        }
    }

    @Test
    void tokenRowsChangeTheHeadWhereverTheConfigurationTiesIt(@TempDir Path tied) throws IOException {
        Path source = Golden.set("llama").resolve("model");
        Files.copy(source.resolve("model.safetensors"), tied.resolve("model.safetensors"));
        String json = Files.readString(source.resolve("config.json"));
        Files.writeString(
                tied.resolve("config.json"),
                json.replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"));
        model.close();
        model = Checkpoint.open(tied);
        assertThat(model.weights(operations).tied()).isFalse();
        config("\"r\": 4, \"trainable_token_indices\": [7, 3]");
        TensorFile file = query().random(EMBEDDING + ".token_adapter.trainable_tokens_delta", 2, 64);
        try (LoadedAdapter adapter = load(file)) {
            assertThat(adapter.modules()).contains(new ChangedModule("lm_head", "2 tokens' rows", 0, 1));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"[7]", "[7, 3, 1]", "{\"lm_head\": [7, 3]}", "null", "[7, -1]"})
    void refusesTokenRowsThatAreNotNamed(String tokens) {
        config("\"r\": 4, \"trainable_token_indices\": " + tokens);
        TensorFile file = query().random(EMBEDDING + ".token_adapter.trainable_tokens_delta", 2, 64);
        assertRefused(ErrorCode.INCOMPATIBLE, file, EMBEDDING);
    }

    @Test
    void ranksByPatternAreCheckedModuleByModule() {
        config("\"r\": 4, \"lora_alpha\": 12, \"rank_pattern\": {\"^model.layers.1.self_attn.q_proj\": 6}");
        String second = QUERY.replace("layers.0", "layers.1");
        try (LoadedAdapter adapter =
                load(query().random(second + ".lora_A.weight", 6, 64).random(second + ".lora_B.weight", 64, 6))) {
            assertThat(adapter.modules()).extracting(ChangedModule::rank).containsExactlyInAnyOrder(4, 6);
            assertThat(adapter.modules()).extracting(ChangedModule::scaling).containsExactlyInAnyOrder(3f, 2f);
        }
        assertRefused(
                ErrorCode.INCOMPATIBLE,
                query().random(second + ".lora_A.weight", 4, 64).random(second + ".lora_B.weight", 64, 4),
                second,
                "[4, 64]",
                "[6, 64]");
    }

    /** What save_pretrained writes with save_embedding_layers. */
    @Test
    void copiesOfTheBaseModelBesideAChangeAreNoChange() {
        config("\"r\": 4, \"modules_to_save\": [\"lm_head\"], \"trainable_token_indices\": [5]");
        String table = EMBEDDING + ".token_adapter.base_layer.weight";
        TensorFile file = query().random(HEAD + ".weight", 512, 64)
                .random(HEAD + ".original_module.weight", 512, 64)
                .copy(HEAD + ".weight", HEAD + ".modules_to_save.weight")
                .random(EMBEDDING + ".token_adapter.trainable_tokens_delta", 1, 64);
        try (LoadedAdapter adapter = load(file)) {
            assertThat(adapter.modules()).extracting(ChangedModule::change).contains("replaced", "1 tokens' rows");
        }
        assertRefused(
                ErrorCode.INCOMPATIBLE, file.random(table, 512, 64), table, "differs from the base model's table");
        assertRefused(
                ErrorCode.INCOMPATIBLE,
                query().random(HEAD + ".modules_to_save.weight", 512, 64),
                HEAD + ".modules_to_save.weight",
                "does not fit");
    }

    @Test
    void aWeightOfAnotherBaseModelIsRefused() {
        TensorFile file = query().random(QUERY + ".base_layer.weight", 64, 64);
        assertRefused(ErrorCode.INCOMPATIBLE, file, QUERY + ".base_layer.weight", "another base model");
    }
}
