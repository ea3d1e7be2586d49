package lorikeet.runtime.model;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.memory.Matrix;
import lorikeet.memory.StoredWeights;

/**
 * A model's weights, in the memory of the device. They belong to the checkpoint.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param layers first to last
 * @param finalNorm after the last layer
 * @param head the output layer; the embedding table where they are tied
 * @param slots how the modules are numbered
 * @param modules all modules by their path; the head is there even if it is tied
 * @param declaredTied the configuration ties head and embedding table, whether or not the file has both
 */
public record ModelWeights(
        Matrix embedding,
        List<LayerWeights> layers,
        Norm finalNorm,
        Linear head,
        Slots slots,
        Map<String, BaseModule> modules,
        boolean declaredTied) {
    /** The path of the embedding table. */
    public static final String EMBEDDING = "model.embed_tokens";

    /** The path of the norm after the last layer. */
    public static final String FINAL_NORM = "model.norm";

    /** The path of the head. */
    public static final String HEAD = "lm_head";

    public ModelWeights {
        layers = List.copyOf(layers);
        modules = Map.copyOf(modules);
    }

    /**
     * True if the head is the embedding table. As in Transformers 5, a head that the file has too is tied if the
     * configuration says so and both are the same; only then does this read the two tables.
     */
    public boolean tied() {
        return head.weight().equals(embedding) || (declaredTied && sameTables());
    }

    private boolean sameTables() {
        BaseModule table = Objects.requireNonNull(modules.get(EMBEDDING));
        BaseModule output = Objects.requireNonNull(modules.get(HEAD));
        return StoredWeights.same(table.weight(), output.weight());
    }
}
