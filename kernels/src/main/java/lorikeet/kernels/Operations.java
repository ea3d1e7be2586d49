package lorikeet.kernels;

import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * What a forward pass asks of a device. The CPU and CUDA implement it; a model is written once against it.
 *
 * <p>Activations are matrices made by {@link #allocate}: F32 on the CPU, another type where the device prefers one. An
 * operation reads and writes the first rows of its matrices, as many as the current batch has tokens (or outputs);
 * matrices may have more rows than that. Inputs and outputs of one call don't overlap unless it says so. A device may
 * run the calls asynchronously, in order, until {@link Sampler#sample} or {@link #read} waits for them.
 *
 * <p>All calls come from one thread, the one that owns the device.
 */
public interface Operations extends AutoCloseable {
    /** One line that names the device, for people. */
    String describe();

    /** The element type that activations have on this device. */
    ElementType activationType();

    /** The element type that keys and values have on this device. */
    ElementType kvType();

    /**
     * Makes a base weight usable by this device. The CPU returns {@code weight} itself and reads it in place; other
     * devices copy it. Valid as long as both the weight's owner and these operations are open.
     */
    Matrix place(Matrix weight);

    /** Allocates memory for activations, which lives until these operations are closed. */
    Matrix allocate(ElementType type, int rows, int cols);

    /** Starts a step. The batch must not change until the step's last call has returned. */
    void begin(Batch batch, KvCache cache);

    /**
     * Looks up the tokens' embeddings, with the adapters' changes.
     *
     * @param table {@code [vocabulary, hidden]}
     * @param slot the number by which adapters refer to the embedding table
     * @param out {@code [tokens, hidden]}
     */
    void embed(Matrix table, int slot, Matrix out);

    /** {@code out = norm(in)}, row by row over {@code [tokens, hidden]}, with each adapter's own weight where it has one. */
    void norm(Matrix in, Norm norm, Matrix out);

    /**
     * {@code out = in Wᵀ + bias} for each part, with each adapter's change.
     *
     * @param in {@code [tokens, projection.in()]}
     * @param out {@code [tokens, projection.out()]}
     */
    void project(Matrix in, Projected out);

    /**
     * Finishes q, k and v: optional norms over each head of q and k, rotary embedding, keys and values written to the
     * cache at their positions. Afterwards the q part of {@code qkv} is what {@link #attend} reads.
     *
     * @param qkv {@code [tokens, (heads + 2 kvHeads) * headSize]}, parts q, k, v; changed in place
     * @param norms the norms of q and k, or {@link HeadNorms#NONE}
     * @param shape the layer's attention
     */
    void rotateAndStore(Projected qkv, HeadNorms norms, AttentionShape shape);

    /**
     * Causal attention of each token over its sequence's cached tokens up to itself, within the window.
     *
     * @param qkv the q part is read
     * @param shape the layer's attention
     * @param out {@code [tokens, heads * headSize]}
     */
    void attend(Projected qkv, AttentionShape shape, Matrix out);

    /**
     * {@code residual += delta; out = norm(residual)}, row by row over {@code [tokens, hidden]}.
     *
     * @param delta the projection's result
     * @param residual read and written
     * @param norm the norm that follows
     * @param out what the norm gives
     */
    void addNorm(Projected delta, Matrix residual, Norm norm, Matrix out);

    /**
     * {@code out = silu(gate) ∘ up} (https://arxiv.org/abs/2002.05202).
     *
     * @param gateUp {@code [tokens, 2 * size]}, parts gate, up
     * @param out {@code [tokens, size]}
     */
    void gate(Projected gateUp, Matrix out);

    /** Copies the rows whose logits are wanted: {@code out[o] = in[batch.outputRow(o)]}. */
    void gatherOutputs(Matrix in, Matrix out);

    /**
     * The logits of the wanted rows, with the adapters' changes of the head: a low-rank change, another head, or other
     * rows for some tokens.
     *
     * @param in {@code [outputs, hidden]}, after the last norm
     * @param head the head, or the embedding table where they are tied, with the slot of the head
     * @param out {@code [outputs, vocabulary]}, F32
     */
    void logits(Matrix in, Linear head, Matrix out);

    /**
     * The Euclidean norms of the rows of {@code W + scaling B A}, which DoRA's magnitudes are divided by. Unlike the other
     * operations, this one may be called from any thread, also while a step runs, and has ended when it returns.
     *
     * @param weight {@code W}, {@code [out, in]}, as {@link #place} gave it
     * @param delta has A, B and the scaling, in host memory
     * @param out {@code [1, out]}, F32, in host memory
     */
    void rowNorms(Matrix weight, Delta.LowRank delta, Matrix out);

    /** The device's sampler. */
    Sampler sampler();

    /** Waits for the calls so far and copies one row of a F32 matrix to the host. */
    void read(Matrix matrix, int row, float[] to);

    /** Frees everything that was allocated here and stops the device's threads. */
    @Override
    void close();
}
