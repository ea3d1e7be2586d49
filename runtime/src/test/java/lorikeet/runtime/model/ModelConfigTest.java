package lorikeet.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.json.JsonFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
    private static final String SIZES = "\"hidden_size\": 64, \"intermediate_size\": 176, \"num_attention_heads\": 4,"
            + " \"num_hidden_layers\": 3, \"vocab_size\": 512";

    @TempDir
    private Path folder;

    private ModelConfig read(String architecture, String fields) {
        return readAll("{\"architectures\": [\"" + architecture + "\"], " + SIZES
                + (fields.isEmpty() ? "" : ", " + fields) + "}");
    }

    private ModelConfig readAll(String json) {
        try {
            return ModelConfigReader.read(JsonFile.read(Files.writeString(folder.resolve("config.json"), json)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void assertRefused(String architecture, String fields, String... parts) {
        assertThatThrownBy(() -> read(architecture, fields))
                .isInstanceOfSatisfying(
                        LorikeetException.class,
                        e -> assertThat(e.code()).isIn(ErrorCode.INCOMPATIBLE, ErrorCode.INVALID_FILE))
                .hasMessageContaining("config.json")
                .hasMessageContainingAll(parts);
    }

    @Test
    void llamaDefaults() {
        ModelConfig config = read("LlamaForCausalLM", "");
        assertThat(config.kvHeads()).isEqualTo(4);
        assertThat(config.headSize()).isEqualTo(16);
        assertThat(config.normEpsilon()).isEqualTo(1e-6f);
        assertThat(config.tiedEmbeddings()).isFalse();
        assertThat(config.queryBias() || config.outputBias() || config.mlpBias())
                .isFalse();
        assertThat(config.windows()).containsExactly(0, 0, 0);
        assertThat(config.rope().variant()).isEqualTo("default");
    }

    @Test
    void biasByFamily() {
        ModelConfig llama = read("LlamaForCausalLM", "\"attention_bias\": true, \"mlp_bias\": true");
        assertThat(List.of(llama.queryBias(), llama.outputBias(), llama.mlpBias()))
                .containsExactly(true, true, true);
        ModelConfig qwen = read("Qwen2ForCausalLM", "\"num_key_value_heads\": 2");
        assertThat(List.of(qwen.queryBias(), qwen.outputBias(), qwen.mlpBias())).containsExactly(true, false, false);
        ModelConfig qwen3 = read("Qwen3ForCausalLM", "\"num_key_value_heads\": 2, \"attention_bias\": true");
        assertThat(List.of(qwen3.queryBias(), qwen3.outputBias(), qwen3.headNorms()))
                .containsExactly(true, true, true);
        assertThat(qwen3.headSize()).isEqualTo(128);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "MistralForCausalLM| \"sliding_window\": 16                                    | 16,16,16",
                "MistralForCausalLM| \"sliding_window\": null                                  | 0,0,0",
                "MistralForCausalLM| \"rms_norm_eps\": 1e-5                                    | 4096,4096,4096",
                "MistralForCausalLM| \"sliding_window\": 8, \"layer_types\":"
                        + " [\"full_attention\", \"sliding_attention\", \"full_attention\"] | 0,8,0",
                "LlamaForCausalLM  | \"sliding_window\": 8, \"layer_types\":"
                        + " [\"full_attention\", \"full_attention\", \"full_attention\"] | 0,0,0",
                "Qwen2ForCausalLM  | \"sliding_window\": 16                                    | 0,0,0",
                "Qwen2ForCausalLM  | \"use_sliding_window\": true, \"sliding_window\": 16,"
                        + " \"max_window_layers\": 1 | 0,16,16",
                "Qwen3ForCausalLM  | \"use_sliding_window\": true, \"sliding_window\": 8, \"layer_types\":"
                        + " [\"sliding_attention\", \"full_attention\", \"sliding_attention\"] | 8,0,8",
            })
    void slidingWindows(String architecture, String fields, String windows) {
        ModelConfig config = read(architecture, "\"num_key_value_heads\": 2, " + fields);
        assertThat(config.windows())
                .containsExactlyElementsOf(
                        Arrays.stream(windows.split(",")).map(Integer::valueOf).toList());
    }

    @Test
    void asManyKeyHeadsAsTheConfigurationClassOfTheFamilyHas() {
        assertThat(read("LlamaForCausalLM", "").kvHeads()).isEqualTo(4);
        String many = "\"num_attention_heads\": 64, \"hidden_size\": 128, \"intermediate_size\": 176,"
                + " \"num_hidden_layers\": 3, \"vocab_size\": 512";
        assertThat(readAll("{\"model_type\": \"mistral\", " + many + "}").kvHeads())
                .isEqualTo(8);
        assertThat(readAll("{\"model_type\": \"qwen2\", " + many + "}").kvHeads())
                .isEqualTo(32);
        for (String family :
                List.of("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")) {
            assertThat(read(family, "\"num_key_value_heads\": null").kvHeads())
                    .as(family)
                    .isEqualTo(4);
        }
    }

    @Test
    void theArchitectureOrTheModelTypeTellsTheFamily() {
        String qwen = "{\"model_type\": \"qwen2\", \"num_key_value_heads\": 2, ";
        assertThat(readAll(qwen + SIZES + "}").family()).isEqualTo(Family.QWEN2);
        assertThat(readAll(qwen + "\"architectures\": [], " + SIZES + "}").family())
                .isEqualTo(Family.QWEN2);
        assertThat(read("LlamaForCausalLM", "\"model_type\": \"llama\"").family())
                .isEqualTo(Family.LLAMA);
        assertRefused("LlamaForCausalLM", "\"model_type\": \"mixtral\"", "mixtral", "LlamaForCausalLM");
        assertThatThrownBy(() -> readAll("{\"model_type\": \"gemma\", " + SIZES + "}"))
                .hasMessageContainingAll("gemma", "Qwen3ForCausalLM");
        assertThatThrownBy(() -> readAll("{" + SIZES + "}")).hasMessageContaining("architectures is missing");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"rope_theta\": 500.0                                                           | 500",
                "\"rope_parameters\": {\"rope_theta\": 700.0, \"rope_type\": \"default\"}          | 700",
                "\"rope_parameters\": {\"rope_type\": \"default\"}, \"rope_theta\": 800.0          | 800",
                "\"rope_parameters\": {\"rope_theta\": 700.0}, \"rope_theta\": 800.0               | 700",
                "\"rope_scaling\": {}, \"rope_theta\": 800.0                                    | 800",
                "\"rope_scaling\": null, \"rope_parameters\": null                              | 10000",
                "\"partial_rotary_factor\": 1.0                                                | 10000",
                "\"partial_rotary_factor\": null                                               | 10000",
            })
    void theBaseOfTheRotationFromWhereverItStands(String fields, double theta) {
        float[] inverse = read("LlamaForCausalLM", fields).rope().frequencies(1).inverse();
        assertThat((double) inverse[1]).isCloseTo(Math.pow(theta, -2 / 16.0), within(1e-6));
    }

    @Test
    void yarnWithAllThatItMaySay() {
        String plain = "\"rope_parameters\": {\"rope_type\": \"yarn\", \"rope_theta\": 10000.0, \"factor\": 4.0,"
                + " \"original_max_position_embeddings\": 32";
        float[] truncated = yarn(plain + "}").inverse();
        assertThat(yarn(plain + ", \"truncate\": true, \"beta_fast\": 32, \"beta_slow\": null}")
                        .inverse())
                .containsExactly(truncated);
        assertThat(yarn(plain + ", \"truncate\": false}").inverse()).isNotEqualTo(truncated);
        assertThat(yarn(plain + ", \"truncate\": null}").inverse())
                .containsExactly(yarn(plain + ", \"truncate\": false}").inverse());
        assertThat(yarn(plain + ", \"beta_slow\": 0.1}").inverse()).isNotEqualTo(truncated);
        assertThat((double) yarn(plain + "}").scaling()).isCloseTo(0.1 * Math.log(4) + 1, within(1e-6));
        assertThat(yarn(plain + ", \"attention_factor\": 1.5}").scaling()).isEqualTo(1.5f);
        assertThat((double) yarn(plain + ", \"mscale\": 0.5, \"mscale_all_dim\": 2.0}")
                        .scaling())
                .isCloseTo((0.05 * Math.log(4) + 1) / (0.2 * Math.log(4) + 1), within(1e-6));
        assertThat((double) yarn(plain + ", \"mscale\": 0.5}").scaling())
                .isCloseTo(0.1 * Math.log(4) + 1, within(1e-6));
        // The length beside the parameters takes precedence.
        assertThat(yarn(plain.replace("32", "16") + "}").inverse())
                .containsExactly(yarn("\"original_max_position_embeddings\": 16, " + plain + "}")
                        .inverse());
    }

    private RotaryFrequencies yarn(String fields) {
        return read("LlamaForCausalLM", fields).rope().frequencies(1);
    }

    @Test
    void bothSpellingsOfRotaryParameters() {
        String version4 = "\"rope_theta\": 5000.0, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}";
        String version5 = "\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4.0, \"rope_theta\": 5000.0}";
        float[] old = read("LlamaForCausalLM", version4).rope().frequencies(1).inverse();
        float[] now = read("LlamaForCausalLM", version5).rope().frequencies(1).inverse();
        assertThat(old).containsExactly(now);
        assertThat(old[0]).isEqualTo(0.25f);
    }

    @Test
    void dynamicScalingStartsBeyondTheTrainedLength() {
        Rope rope = read(
                        "LlamaForCausalLM",
                        "\"max_position_embeddings\": 32, \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}")
                .rope();
        assertThat(rope.frequencies(32)).isSameAs(rope.frequencies(1));
        assertThat(rope.frequencies(33).inverse()[4])
                .isLessThan(rope.frequencies(32).inverse()[4]);
        assertThat(rope.frequencies(64).inverse()[4])
                .isLessThan(rope.frequencies(33).inverse()[4]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GPT2LMHeadModel", "MixtralForCausalLM", "LlamaForSequenceClassification"})
    void namesAnUnknownArchitecture(String architecture) {
        assertRefused(architecture, "", architecture, "LlamaForCausalLM", "MistralForCausalLM", "Qwen2", "Qwen3");
    }

    @Test
    void namesWhatIsNotSupported() {
        assertRefused("LlamaForCausalLM", "\"hidden_act\": \"gelu\"", "hidden_act gelu", "silu");
        assertRefused("LlamaForCausalLM", "\"quantization_config\": {\"bits\": 4}", "quantization_config");
        assertRefused(
                "LlamaForCausalLM",
                "\"rope_scaling\": {\"rope_type\": \"longrope\", \"factor\": 4.0}",
                "longrope",
                "default, linear, llama3, yarn, dynamic");
        assertRefused(
                "LlamaForCausalLM",
                "\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"default\"}}",
                "differ between layers");
        assertRefused("LlamaForCausalLM", "\"rope_parameters\": {\"rope_type\": \"mrope\"}", "mrope", "llama3");
        assertRefused("LlamaForCausalLM", "\"rope_theta\": 0", "rope_theta");
        assertRefused("LlamaForCausalLM", "\"rope_parameters\": {\"partial_rotary_factor\": 0.5}", "0.5");
        assertRefused(
                "LlamaForCausalLM",
                "\"layer_types\": [\"full_attention\", \"sliding_attention\", \"full_attention\"]",
                "sliding_attention");
        assertRefused(
                "MistralForCausalLM",
                "\"num_key_value_heads\": 2, \"layer_types\": [\"full_attention\", \"chunked_attention\", \"x\"]",
                "chunked_attention");
        assertRefused("LlamaForCausalLM", "\"num_key_value_heads\": 3", "4 query heads");
        assertRefused("LlamaForCausalLM", "\"head_dim\": 15", "15");
        assertRefused("LlamaForCausalLM", "\"partial_rotary_factor\": 0.5", "partial_rotary_factor");
        assertRefused("LlamaForCausalLM", "\"rope_scaling\": {\"type\": \"linear\"}", "factor is missing");
        assertRefused("LlamaForCausalLM", "\"num_key_value_heads\": 0", "num_key_value_heads is 0");
        assertRefused("LlamaForCausalLM", "\"rms_norm_eps\": \"small\"", "rms_norm_eps");
        assertRefused(
                "Qwen2ForCausalLM",
                "\"num_key_value_heads\": 2, \"layer_types\": [\"full_attention\"]",
                "layer_types",
                "3 layers");
    }
}
