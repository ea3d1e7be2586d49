package lorikeet.jmh.device;

import java.util.Collections;
import java.util.List;
import lorikeet.jmh.RandomModel;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.runtime.model.Family;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.Rope;

/** The shapes of a model. */
public enum ModelShape {
    /** 221 million parameters beside a head of 131 million: more than the caches of most machines hold. */
    SMALL(1024, 8, 16, 4, 2816),
    /** Llama-3.2-1B, with a head of its own; heads of 64. */
    LLAMA_3_2_1B(2048, 16, 32, 8, 8192),
    /** Llama-3.2-3B, with a head of its own; three queries share a key. */
    LLAMA_3_2_3B(3072, 28, 24, 8, 8192),
    /** Llama-3-8B. */
    LLAMA_3_8B(4096, 32, 32, 8, 14336),
    /** Llama-2-13B with the vocabulary of Llama-3; each query has a key of its own. */
    LLAMA_2_13B(5120, 40, 40, 40, 13824),
    /** Qwen3-8B with the vocabulary of Llama-3; heads of q and k are normed. */
    QWEN_3_8B(Family.QWEN3, 4096, 36, 32, 8, 12288);

    /** Number of tokens. */
    public static final int VOCABULARY = 128_256;

    private static final int MOST_POSITIONS = 8192;
    private static final double THETA = 500_000;
    private static final float EPSILON = 1e-5f;

    private final Family family;
    private final int hidden;
    private final int layers;
    private final int heads;
    private final int kvHeads;
    private final int inner;

    ModelShape(int hidden, int layers, int heads, int kvHeads, int inner) {
        this(Family.LLAMA, hidden, layers, heads, kvHeads, inner);
    }

    ModelShape(Family family, int hidden, int layers, int heads, int kvHeads, int inner) {
        this.family = family;
        this.hidden = hidden;
        this.layers = layers;
        this.heads = heads;
        this.kvHeads = kvHeads;
        this.inner = inner;
    }

    /** Inputs and outputs of a linear layer. */
    record LinearSize(int in, int out) {}

    /** The layers of one decoder layer that adapters change: q, k, v, o, gate, up, down. */
    List<LinearSize> linears() {
        return List.of(
                new LinearSize(hidden, hidden),
                new LinearSize(hidden, keys()),
                new LinearSize(hidden, keys()),
                new LinearSize(hidden, hidden),
                new LinearSize(hidden, inner),
                new LinearSize(hidden, inner),
                new LinearSize(inner, hidden));
    }

    /** A checkpoint of these shapes, to be written: a Llama's, which has no norms of heads. */
    RandomModel checkpoint() {
        return new RandomModel(hidden, layers, heads, kvHeads, inner, VOCABULARY, false);
    }

    int hidden() {
        return hidden;
    }

    int layers() {
        return layers;
    }

    int heads() {
        return heads;
    }

    int kvHeads() {
        return kvHeads;
    }

    int inner() {
        return inner;
    }

    int headSize() {
        return hidden / heads;
    }

    /** Whether heads of q and k are normed. */
    boolean headNorms() {
        return family == Family.QWEN3;
    }

    /** Components of all keys of a token in a layer. */
    int keys() {
        return headSize() * kvHeads;
    }

    /** Weights of the linear layers. */
    long linearWeights() {
        return layers
                * linears().stream()
                        .mapToLong(size -> (long) size.in() * size.out())
                        .sum();
    }

    /** Weights of the head. */
    long headWeights() {
        return (long) VOCABULARY * hidden;
    }

    /** Numbers in an adapter of all seven linear layers of every layer. */
    long adapterWeights(int rank) {
        return layers
                * linears().stream()
                        .mapToLong(size -> (long) rank * (size.in() + size.out()))
                        .sum();
    }

    /** Keys and values that a token has in the cache, in all layers. */
    long cachedNumbers() {
        return 2L * layers * keys();
    }

    /** As a configuration says it. */
    ModelConfig config() {
        return new ModelConfig(
                family,
                VOCABULARY,
                hidden,
                inner,
                layers,
                heads,
                kvHeads,
                headSize(),
                Collections.nCopies(layers, 0),
                EPSILON,
                false,
                false,
                false,
                false,
                headNorms(),
                MOST_POSITIONS,
                new Rope.Fixed("default", rotary()));
    }

    private RotaryFrequencies rotary() {
        float[] inverse = new float[headSize() / 2];
        for (int i = 0; i < inverse.length; i++) {
            inverse[i] = (float) Math.pow(THETA, -2.0 * i / headSize());
        }
        return new RotaryFrequencies(inverse, 1);
    }
}
