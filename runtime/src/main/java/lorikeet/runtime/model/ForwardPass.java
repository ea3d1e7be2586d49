package lorikeet.runtime.model;

import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Projected;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * The forward pass of a decoder: from a batch's tokens to the logits of the rows that are wanted. Holds the activations,
 * sized for the largest step. Used by the one thread that owns the device.
 */
public final class ForwardPass {
    private final ModelWeights weights;
    private final Operations operations;
    private final int maxTokens;
    private final int maxOutputs;
    private final Matrix hidden;
    private final Matrix normed;
    private final Matrix attended;
    private final Matrix gated;
    private final Matrix outputs;
    private final Matrix logits;
    private final Matrix queryKeyValue;
    private final Matrix delta;
    private final Matrix gateUp;
    private final Buffers[] layers;

    /** One layer's view of the shared activations: a projection and where its result goes. */
    private record Buffers(Projected queryKeyValue, Projected output, Projected gateUp, Projected down) {}

    /**
     * Allocates the activations.
     *
     * @param config the model
     * @param weights its weights
     * @param operations the device; owns the activations
     * @param maxTokens most tokens in a step
     * @param maxOutputs most wanted rows in a step
     */
    public ForwardPass(ModelConfig config, ModelWeights weights, Operations operations, int maxTokens, int maxOutputs) {
        this.weights = weights;
        this.operations = operations;
        this.maxTokens = maxTokens;
        this.maxOutputs = maxOutputs;
        ElementType type = operations.activationType();
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        hidden = operations.allocate(operations.residualType(), maxTokens, config.hidden());
        normed = operations.allocate(type, maxTokens, config.hidden());
        delta = operations.allocate(type, maxTokens, config.hidden());
        queryKeyValue = operations.allocate(type, maxTokens, queries + 2 * keys);
        attended = operations.allocate(type, maxTokens, queries);
        gateUp = operations.allocate(type, maxTokens, 2 * config.intermediate());
        gated = operations.allocate(type, maxTokens, config.intermediate());
        outputs = operations.allocate(type, maxOutputs, config.hidden());
        logits = operations.allocate(ElementType.F32, maxOutputs, config.vocabulary());
        layers = weights.layers().stream()
                .map(layer -> new Buffers(
                        new Projected(layer.queryKeyValue(), queryKeyValue),
                        new Projected(layer.output(), delta),
                        new Projected(layer.gateUp(), gateUp),
                        new Projected(layer.down(), delta)))
                .toArray(Buffers[]::new);
    }

    /** Most tokens in a step. */
    public int maxTokens() {
        return maxTokens;
    }

    /** Most wanted rows in a step. */
    public int maxOutputs() {
        return maxOutputs;
    }

    /**
     * Runs one step.
     *
     * @param batch at most {@link #maxTokens} tokens and {@link #maxOutputs} wanted rows; must not change meanwhile
     * @param cache holds the blocks that the batch's sequences name
     * @return {@code [maxOutputs, vocabulary]}, F32: a row for each wanted one; overwritten by the next step
     */
    public Matrix run(Batch batch, KvCache cache) {
        if (batch.tokens() > maxTokens || batch.outputs() > maxOutputs) {
            throw new IllegalArgumentException(batch.tokens() + " tokens and " + batch.outputs()
                    + " outputs in a step, at most " + maxTokens + " and " + maxOutputs + " fit");
        }
        if (operations.begin(batch, cache)) {
            calls();
        }
        return logits;
    }

    private void calls() {
        operations.embed(weights.embedding(), weights.slots().embedding(), hidden);
        operations.norm(hidden, weights.layers().getFirst().inputNorm(), normed);
        for (int i = 0; i < layers.length; i++) {
            layer(weights.layers().get(i), layers[i]);
            boolean last = i == layers.length - 1;
            operations.addNorm(
                    layers[i].down(),
                    hidden,
                    last ? weights.finalNorm() : weights.layers().get(i + 1).inputNorm(),
                    normed);
        }
        operations.gatherOutputs(normed, outputs);
        operations.logits(outputs, weights.head(), logits);
        operations.end();
    }

    private void layer(LayerWeights layer, Buffers to) {
        operations.project(normed, to.queryKeyValue());
        operations.rotateAndStore(to.queryKeyValue(), layer.headNorms(), layer.attention());
        operations.attend(to.queryKeyValue(), layer.attention(), attended);
        operations.project(attended, to.output());
        operations.addNorm(to.output(), hidden, layer.mlpNorm(), normed);
        operations.project(normed, to.gateUp());
        operations.gate(to.gateUp(), gated);
        operations.project(gated, to.down());
    }
}
