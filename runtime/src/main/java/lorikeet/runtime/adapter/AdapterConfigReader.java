package lorikeet.runtime.adapter;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import lorikeet.runtime.json.JsonObject;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads adapter_config.json as PEFT 0.21 and older versions write it. Fields that only matter in training are ignored; a
 * field that changes the result and isn't supported is refused by name, and so is one that nobody knows if it is set.
 */
final class AdapterConfigReader {
    /**
     * Read below, or without influence on the result: what was trained how, and which modules were chosen, which the
     * tensors' names say themselves. {@code fan_in_fan_out} only tells Conv1D layers from linear ones, and PEFT too
     * ignores it for the linear layers that all supported families have.
     */
    private static final Set<String> UNDERSTOOD = Set.of(
            "alpha_pattern",
            "auto_mapping",
            "base_model_name_or_path",
            "bias",
            "corda_config",
            "ensure_weight_tying",
            "eva_config",
            "exclude_modules",
            "fan_in_fan_out",
            "inference_mode",
            "init_lora_weights",
            "layers_pattern",
            "layers_to_transform",
            "loftq_config",
            "lora_alpha",
            "lora_bias",
            "lora_dropout",
            "lora_ga_config",
            "megatron_config",
            "megatron_core",
            "modules_to_save",
            "peft_type",
            "peft_version",
            "qalora_group_size",
            "r",
            "rank_pattern",
            "revision",
            "runtime_config",
            "target_modules",
            "task_type",
            "trainable_token_indices",
            "use_dora",
            "use_rslora",
            "velora_config");

    /** Supported only where they are off. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "alora_invocation_tokens", "aLoRA, which is active only after its invocation tokens,",
            "arrow_config", "Arrow, which mixes several adapters,",
            "kasa_config", "KaSA",
            "layer_replication", "repeating layers of the base model",
            "monteclora_config", "MonteCLoRA, which draws weights at random,",
            "target_parameters", "LoRA on parameters outside of linear layers",
            "use_bdlora", "BD-LoRA",
            "use_qalora", "QALoRA");

    /** Initialisations of A and B alone: what training made of them is in the file. */
    private static final Set<String> PLAIN_STARTS = Set.of("gaussian", "eva", "orthogonal", "mica");

    /** Initialisations that also change the weights of the base model, which is then not the one that is open. */
    private static final Set<String> CHANGING_BASE = Set.of("pissa", "olora", "corda", "loftq", "lora_ga");

    private final JsonObject json;

    private AdapterConfigReader(JsonObject json) {
        this.json = json;
    }

    static AdapterConfig read(JsonObject json) {
        return new AdapterConfigReader(json).config();
    }

    private AdapterConfig config() {
        refuse();
        boolean magnitudes = json.bool("use_dora", false);
        boolean loraBias = json.bool("lora_bias", false);
        if (magnitudes && loraBias) {
            throw json.unsupported("use_dora together with lora_bias is not supported, by PEFT neither");
        }
        return new AdapterConfig(
                json.integerOr("r", 1, 8),
                json.number("lora_alpha").orElse(8),
                json.bool("use_rslora", false),
                magnitudes,
                loraBias,
                patterns("rank_pattern", true),
                patterns("alpha_pattern", false),
                Set.copyOf(json.strings("modules_to_save").orElse(List.of())),
                tokens(),
                json.bool("ensure_weight_tying", false));
    }

    private void refuse() {
        String type = json.string("peft_type").orElseThrow(() -> json.missing("peft_type"));
        if (!type.equals("LORA")) {
            throw json.unsupported("peft_type " + type + " is not supported, only LORA");
        }
        String task = json.string("task_type").orElse("CAUSAL_LM");
        if (!task.equals("CAUSAL_LM")) {
            throw json.unsupported("task_type " + task + " is not supported, only CAUSAL_LM");
        }
        String bias = json.string("bias").orElse("none");
        if (!bias.equals("none")) {
            throw json.unsupported(
                    "bias " + bias + " is not supported, only none: it changes biases of the base model");
        }
        refuseStart();
        for (String name : json.names()) {
            if (!UNDERSTOOD.contains(name) && isSet(json.present(name))) {
                String what = UNSUPPORTED.get(name);
                throw json.unsupported(
                        what == null
                                ? "the field " + name + " is not known, and it may change the result"
                                : what + " (" + name + ") is not supported");
            }
        }
    }

    private void refuseStart() {
        JsonNode init = json.present("init_lora_weights");
        if (init == null || init.isBoolean()) {
            return;
        }
        if (!init.isString()) {
            throw json.wrong("init_lora_weights", init, "true, false or a name");
        }
        String name = init.stringValue().toLowerCase(Locale.ROOT);
        if (CHANGING_BASE.stream().anyMatch(name::startsWith)) {
            throw json.unsupported("init_lora_weights " + init.stringValue()
                    + " is not supported, because it changes the base model's weights; save the adapter with"
                    + " path_initial_model_for_weight_conversion to make it an ordinary one");
        }
        if (!PLAIN_STARTS.contains(name)) {
            throw json.unsupported("init_lora_weights " + init.stringValue()
                    + " is not known, and it may change the base model's weights");
        }
    }

    private static boolean isSet(@Nullable JsonNode value) {
        return value != null
                && !(value.isBoolean() && !value.booleanValue())
                && !(value.isContainer() && value.isEmpty())
                && !(value.isString() && value.stringValue().isEmpty());
    }

    private ModulePatterns patterns(String field, boolean whole) {
        Map<String, Double> values = new LinkedHashMap<>();
        json.object(field).ifPresent(patterns -> {
            for (String key : patterns.names()) {
                double value = whole ? patterns.integer(key, 1) : patterns.requiredNumber(key);
                values.put(key, value);
            }
        });
        return ModulePatterns.of(json, field, values);
    }

    private Map<String, List<Integer>> tokens() {
        String field = "trainable_token_indices";
        JsonNode value = json.present(field);
        if (value == null || (value.isContainer() && value.isEmpty())) {
            return Map.of();
        }
        if (!value.isObject()) {
            return Map.of("", json.integers(field).orElseThrow());
        }
        JsonObject byModule = json.object(field).orElseThrow();
        Map<String, List<Integer>> tokens = new LinkedHashMap<>();
        for (String name : byModule.names()) {
            tokens.put(name, byModule.integers(name).orElseThrow(() -> byModule.missing(name)));
        }
        return tokens;
    }
}
