package lorikeet.runtime.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import lorikeet.runtime.json.JsonObject;

/** The model families that Lorikeet runs. All are decoders with grouped attention, rotary positions and a gated MLP. */
public enum Family {
    /** Llama 1, 2, 3 and 3.x, and what calls itself Llama. */
    LLAMA("llama", "LlamaForCausalLM"),
    /** Mistral, with sliding window attention in all layers where configured. */
    MISTRAL("mistral", "MistralForCausalLM"),
    /** Qwen2 and Qwen2.5: bias on q, k and v. */
    QWEN2("qwen2", "Qwen2ForCausalLM"),
    /** Qwen3: norms over the heads of q and k. */
    QWEN3("qwen3", "Qwen3ForCausalLM");

    private final String modelType;
    private final String architecture;

    Family(String modelType, String architecture) {
        this.modelType = modelType;
        this.architecture = architecture;
    }

    /** The name in {@code architectures} of config.json. */
    public String architecture() {
        return architecture;
    }

    /**
     * The family of a checkpoint, by its {@code architectures}, or its {@code model_type} where there are none. Where
     * both are there they must agree: Transformers goes by the one or the other, depending on how it is called.
     */
    static Family of(JsonObject config) {
        Optional<Family> byArchitecture = config.strings("architectures")
                .filter(names -> !names.isEmpty())
                .map(names -> byArchitecture(config, names.getFirst()));
        Optional<String> type = config.string("model_type");
        if (byArchitecture.isEmpty()) {
            return byType(config, type.orElseThrow(() -> config.missing("architectures")));
        }
        Family family = byArchitecture.get();
        if (type.isPresent() && !type.get().equals(family.modelType)) {
            throw config.unsupported(
                    "the model type " + type.get() + " doesn't go with the architecture " + family.architecture);
        }
        return family;
    }

    private static Family byArchitecture(JsonObject config, String name) {
        return Arrays.stream(values())
                .filter(family -> family.architecture.equals(name))
                .findFirst()
                .orElseThrow(
                        () -> config.unsupported("the architecture " + name + " is not supported; " + supported()));
    }

    private static Family byType(JsonObject config, String type) {
        return Arrays.stream(values())
                .filter(family -> family.modelType.equals(type))
                .findFirst()
                .orElseThrow(() -> config.unsupported("the model type " + type + " is not supported; " + supported()));
    }

    private static String supported() {
        return "supported are "
                + Arrays.stream(values()).map(Family::architecture).collect(Collectors.joining(", "));
    }
}
