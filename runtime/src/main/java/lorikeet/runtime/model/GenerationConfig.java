package lorikeet.runtime.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;

/**
 * What a checkpoint says of generating with it.
 *
 * @param endTokens ids that end a text
 * @param sampling the settings that the model's makers recommend; greedy where they say nothing
 */
public record GenerationConfig(Set<Integer> endTokens, SamplingSettings sampling) {
    public GenerationConfig {
        endTokens = Set.copyOf(endTokens);
    }

    /**
     * Reads generation_config.json where there is one; the end tokens come from config.json where that file has none.
     */
    static GenerationConfig read(Path folder, JsonObject modelConfig) {
        Path file = folder.resolve("generation_config.json");
        if (!Files.exists(file)) {
            return new GenerationConfig(endTokens(modelConfig), SamplingSettings.GREEDY);
        }
        JsonObject json = JsonFile.read(file);
        return new GenerationConfig(endTokens(json.has("eos_token_id") ? json : modelConfig), sampling(json));
    }

    private static Set<Integer> endTokens(JsonObject json) {
        return json.integers("eos_token_id").<Set<Integer>>map(Set::copyOf).orElse(Set.of());
    }

    private static SamplingSettings sampling(JsonObject json) {
        boolean sample = json.bool("do_sample", false);
        try {
            return new SamplingSettings(
                    sample ? (float) json.number("temperature").orElse(1) : 0,
                    sample ? json.integerOr("top_k", 0, 50) : 0,
                    sample ? (float) json.number("top_p").orElse(1) : 1,
                    sample ? (float) json.number("min_p").orElse(0) : 0,
                    (float) json.number("repetition_penalty").orElse(1),
                    0,
                    0,
                    0,
                    -1);
        } catch (IllegalArgumentException e) {
            throw json.unsupported(String.valueOf(e.getMessage()));
        }
    }
}
