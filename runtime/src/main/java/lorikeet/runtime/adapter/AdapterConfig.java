package lorikeet.runtime.adapter;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What adapter_config.json says that changes the result, after all that isn't supported has been refused.
 *
 * @param rank the rank of modules that no pattern names
 * @param alpha the alpha of modules that no pattern names
 * @param rankStabilized the scaling is {@code alpha / sqrt(rank)} (https://arxiv.org/abs/2312.03732) in place of
 *     {@code alpha / rank}
 * @param magnitudes the adapter has DoRA magnitudes
 * @param loraBias B has a bias
 * @param rankPatterns ranks of single modules, by name or regular expression
 * @param alphaPatterns alphas of single modules
 * @param replaced the modules that are stored whole ({@code modules_to_save})
 * @param tokens for the modules named, the tokens that have rows of their own; under an empty name for the embedding
 *     table, whatever it is called
 * @param tieHead what changes the embedding table also changes a head that is tied to it
 */
public record AdapterConfig(
        int rank,
        double alpha,
        boolean rankStabilized,
        boolean magnitudes,
        boolean loraBias,
        ModulePatterns rankPatterns,
        ModulePatterns alphaPatterns,
        Set<String> replaced,
        Map<String, List<Integer>> tokens,
        boolean tieHead) {
    public AdapterConfig {
        replaced = Set.copyOf(replaced);
        tokens = Map.copyOf(tokens);
    }

    /** The rank that the module with this path must have. */
    public int rankOf(String module) {
        return (int) rankPatterns.valueFor(module).orElse(rank);
    }

    /** The factor of the module's low-rank product. */
    public float scalingOf(String module) {
        double moduleRank = rankOf(module);
        double moduleAlpha = alphaPatterns.valueFor(module).orElse(alpha);
        return (float) (moduleAlpha / (rankStabilized ? Math.sqrt(moduleRank) : moduleRank));
    }

    /** True if {@code modules_to_save} names the module with this path, by the end of it. */
    public boolean replaces(String module) {
        return replaced.stream().anyMatch(name -> isNamed(module, name));
    }

    /** As PEFT does, goes by any end of the path: "norm" also names the layers' norms. */
    static boolean isNamed(String module, String name) {
        return module.endsWith(name);
    }
}
