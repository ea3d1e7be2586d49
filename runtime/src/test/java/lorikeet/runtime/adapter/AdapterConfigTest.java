package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.json.JsonFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What adapter_config.json may say, field by field. */
class AdapterConfigTest {
    private static final String QUERY = "model.layers.1.self_attn.q_proj";

    @TempDir
    private Path folder;

    private AdapterConfig readAll(String json) {
        try {
            return AdapterConfigReader.read(
                    JsonFile.read(Files.writeString(folder.resolve("adapter_config.json"), json)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private AdapterConfig read(String fields) {
        return readAll("{\"peft_type\": \"LORA\"" + (fields.isEmpty() ? "" : ", " + fields) + "}");
    }

    private void assertRefused(ErrorCode code, String fields, String... parts) {
        assertThatThrownBy(() -> read(fields))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining("adapter_config.json")
                .hasMessageContainingAll(parts);
    }

    @Test
    void defaultsAreThoseOfPeft() {
        AdapterConfig config = read("");
        assertThat(config.rank()).isEqualTo(8);
        assertThat(config.alpha()).isEqualTo(8);
        assertThat(config.scalingOf(QUERY)).isEqualTo(1);
        assertThat(config.magnitudes() || config.loraBias() || config.rankStabilized() || config.tieHead())
                .isFalse();
        assertThat(config.replaced()).isEmpty();
        assertThat(config.tokens()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"alora_invocation_tokens\": [5, 6]            | aLoRA      | alora_invocation_tokens",
                "\"arrow_config\": {\"top_k\": 2}               | Arrow      | arrow_config",
                "\"kasa_config\": {\"beta\": 0.1}               | KaSA       | kasa_config",
                "\"layer_replication\": [[0, 2], [1, 3]]        | layers     | layer_replication",
                "\"monteclora_config\": {\"num_samples\": 8}    | MonteCLoRA | monteclora_config",
                "\"target_parameters\": [\"mlp.experts\"]       | parameters | target_parameters",
                "\"use_bdlora\": {\"nblocks\": 2}               | BD-LoRA    | use_bdlora",
                "\"use_bdlora\": true                           | BD-LoRA    | use_bdlora",
                "\"use_qalora\": true                           | QALoRA     | use_qalora",
                "\"bias\": \"all\"                              | bias all   | base model",
                "\"bias\": \"lora_only\"                        | lora_only  | base model",
                "\"task_type\": \"SEQ_CLS\"                     | SEQ_CLS    | CAUSAL_LM",
                "\"peft_type\": \"LOHA\"                        | LOHA       | only LORA",
                "\"use_dora\": true, \"lora_bias\": true        | use_dora   | lora_bias",
                "\"sparse_mask\": [1]                           | sparse_mask| not known",
                "\"gate_scale\": 2                              | gate_scale | not known",
            })
    void refusesByNameWhatWouldChangeTheResult(String fields, String name, String reason) {
        if (fields.startsWith("\"peft_type\"")) {
            assertThatThrownBy(() -> readAll("{" + fields + "}"))
                    .isInstanceOf(LorikeetException.class)
                    .hasMessageContainingAll(name, reason);
            return;
        }
        assertRefused(ErrorCode.INCOMPATIBLE, fields, name, reason);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"})
    void refusesStartsThatChangeTheBaseModel(String start) {
        assertRefused(
                ErrorCode.INCOMPATIBLE,
                "\"init_lora_weights\": \"" + start + "\"",
                "init_lora_weights " + start,
                "changes the base model's weights",
                "path_initial_model_for_weight_conversion");
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false", "null", "\"gaussian\"", "\"eva\"", "\"orthogonal\"", "\"mica\""})
    void takesStartsThatOnlyTrainingCaresFor(String start) {
        assertThat(read("\"init_lora_weights\": " + start).rank()).isEqualTo(8);
    }

    @Test
    void refusesAStartThatNobodyKnows() {
        assertRefused(ErrorCode.INCOMPATIBLE, "\"init_lora_weights\": \"surprise\"", "surprise", "not known");
        assertRefused(ErrorCode.INVALID_FILE, "\"init_lora_weights\": 3", "init_lora_weights", "3");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"fan_in_fan_out\": true",
                "\"lora_dropout\": 0.3, \"inference_mode\": false, \"revision\": \"main\"",
                "\"megatron_config\": {\"tensor_model_parallel_size\": 2}, \"megatron_core\": \"megatron.core\"",
                "\"eva_config\": {\"rho\": 2.0}, \"corda_config\": {\"verbose\": true}, \"loftq_config\": {\"bits\": 4}",
                "\"lora_ga_config\": {\"direction\": \"ArB2r\"}, \"velora_config\": {\"num_groups\": 64}",
                "\"runtime_config\": {\"ephemeral_gpu_offload\": true}, \"qalora_group_size\": 32",
                "\"target_modules\": \"all-linear\", \"exclude_modules\": \".*q_proj\"",
                "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [0, 1], \"layers_pattern\": \"layers\"",
                "\"target_modules\": null, \"layers_to_transform\": 1",
                "\"auto_mapping\": {\"base_model_class\": \"LlamaForCausalLM\"}, \"task_type\": null",
                "\"alora_invocation_tokens\": null, \"arrow_config\": null, \"use_bdlora\": null, \"use_qalora\": false",
                "\"layer_replication\": [], \"target_parameters\": [], \"future_option\": false, \"other\": \"\"",
                "\"bias\": \"none\"",
            })
    void ignoresWhatDoesNotChangeTheResult(String fields) {
        assertThat(read(fields).scalingOf(QUERY)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"r\": 0                               | r is 0",
                "\"r\": -4                              | r is -4",
                "\"r\": \"8\"                           | r is \"8\"",
                "\"r\": 1.5                             | r is 1.5",
                "\"r\": 4294967297                      | r is 4294967297",
                "\"lora_alpha\": \"16\"                 | lora_alpha is \"16\"",
                "\"use_rslora\": 1                      | use_rslora is 1",
                "\"use_dora\": \"yes\"                  | use_dora is \"yes\"",
                "\"rank_pattern\": [\"q_proj\"]         | rank_pattern is",
                "\"rank_pattern\": {\"q_proj\": 0}      | q_proj is 0",
                "\"rank_pattern\": {\"q_proj\": null}   | q_proj is missing",
                "\"alpha_pattern\": {\"q_proj\": \"x\"} | q_proj is \"x\"",
                "\"modules_to_save\": {\"norm\": 1}     | modules_to_save is",
                "\"modules_to_save\": [1]               | modules_to_save is",
                "\"trainable_token_indices\": \"5\"     | trainable_token_indices is",
                "\"trainable_token_indices\": [1.5]     | trainable_token_indices is",
                "\"trainable_token_indices\": {\"embed_tokens\": null} | embed_tokens is missing",
                "\"bias\": true                         | bias is true",
            })
    void namesFieldsOfTheWrongKind(String fields, String part) {
        assertRefused(ErrorCode.INVALID_FILE, fields, part);
    }

    @Test
    void namesAFieldThatMustBeThere() {
        assertThatThrownBy(() -> readAll("{\"r\": 8}"))
                .isInstanceOf(LorikeetException.class)
                .hasMessageContaining("peft_type is missing");
    }

    @Test
    void scalesByTheRootOfTheRank() {
        AdapterConfig config = read("\"r\": 16, \"lora_alpha\": 8, \"use_rslora\": true");
        assertThat(config.scalingOf(QUERY)).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "q_proj                                  ; 4",
                "self_attn.q_proj                        ; 4",
                "attn.q_proj                             ; 8",
                "_proj                                   ; 8",
                "model.layers.1.self_attn.q_proj         ; 4",
                "^model.layers.1.self_attn.q_proj        ; 4",
                "^model.layers.0.self_attn.q_proj        ; 8",
                "^layers.1.self_attn.q_proj              ; 8",
                "^q_proj                                 ; 8",
                "layers.1.self_attn.q_proj$              ; 4",
                "layers.(0|1).self_attn.(q|k)_proj       ; 4",
                "^model.layers.[0-9]+.self_attn.q_proj   ; 4",
                "layers.1                                ; 8",
                ".*q_proj                                ; 4",
                "k_proj|q_proj                           ; 4",
                "(?:.+)_proj                             ; 4",
            })
    void patternsNameModulesAsPeftReadsThem(String key, int rank) {
        assertThat(read("\"rank_pattern\": {\"" + key + "\": 4}").rankOf(QUERY)).isEqualTo(rank);
        assertThat(read("\"alpha_pattern\": {\"" + key + "\": 4}").scalingOf(QUERY))
                .isEqualTo(rank / 8f);
    }

    @Test
    void theFirstPatternThatMatchesCounts() {
        AdapterConfig config = read("\"rank_pattern\": {\"k_proj\": 2, \".*_proj\": 4, \"q_proj\": 16},"
                + " \"alpha_pattern\": {\"layers.1.self_attn.q_proj\": 12.5, \"q_proj\": 99}");
        assertThat(config.rankOf(QUERY)).isEqualTo(4);
        assertThat(config.scalingOf(QUERY)).isEqualTo(12.5f / 4);
    }

    @Test
    void refusesPatternsThatAreNoneOrTakeForEver() {
        assertRefused(ErrorCode.INCOMPATIBLE, "\"rank_pattern\": {\"q_proj(\": 4}", "rank_pattern", "q_proj(");
        AdapterConfig hostile = read("\"alpha_pattern\": {\"(([a-z_.0-9]+)+)+!\": 4}");
        assertThatThrownBy(() -> hostile.scalingOf(QUERY))
                .isInstanceOf(LorikeetException.class)
                .hasMessageContaining("alpha_pattern");
    }

    @Test
    void tokensInEveryForm() {
        assertThat(read("\"trainable_token_indices\": [3, 1]").tokens()).isEqualTo(Map.of("", List.of(3, 1)));
        assertThat(read("\"trainable_token_indices\": []").tokens()).isEmpty();
        assertThat(read("\"trainable_token_indices\": {}").tokens()).isEmpty();
        assertThat(read("\"trainable_token_indices\": {\"embed_tokens\": [2], \"lm_head\": [4]}")
                        .tokens())
                .isEqualTo(Map.of("embed_tokens", List.of(2), "lm_head", List.of(4)));
    }

    @Test
    void modulesToSaveByNameOrPath() {
        AdapterConfig config = read("\"modules_to_save\": [\"norm\", \"model.embed_tokens\"]");
        assertThat(config.replaced()).isEqualTo(Set.of("norm", "model.embed_tokens"));
        assertThat(config.replaces("model.norm")).isTrue();
        assertThat(config.replaces("model.embed_tokens")).isTrue();
        assertThat(config.replaces("model.layers.0.input_layernorm")).isTrue();
        assertThat(read("\"modules_to_save\": [\"model.norm\"]").replaces("model.layers.0.input_layernorm"))
                .isFalse();
        assertThat(config.replaces("lm_head")).isFalse();
    }
}
