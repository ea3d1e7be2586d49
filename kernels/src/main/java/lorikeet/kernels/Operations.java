package lorikeet.kernels;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;

/**
 * What a forward pass asks of a device. The CPU and CUDA implement it; a model is written once against it.
 *
 * <p>Activations are matrices made by {@link #allocate}: F32 on the CPU, another type where the device prefers one. An
 * operation reads and writes the first rows of its matrices, as many as the current batch has tokens (or outputs);
 * matrices may have more rows than that. Inputs and outputs of one call don't overlap unless it says so. A device may
 * run the calls asynchronously, in order, until {@link Sampling#await} or {@link #read} waits for them.
 *
 * <p>All calls come from one thread, the one that owns the device, except where a call says otherwise.
 */
public interface Operations extends AutoCloseable {
    /** One line that names the device, for people. */
    String describe();

    /**
     * Whether the device works by itself once a step is begun, so that it need not wait for anybody if the next one is
     * begun before this one's tokens were seen.
     */
    boolean isAsynchronous();

    /** The element type that activations have on this device. */
    ElementType activationType();

    /** The element type of the residual stream, to which the layers' results are added: F32, or what the device prefers. */
    ElementType residualType();

    /** The element type that keys and values have on this device. */
    ElementType kvType();

    /**
     * The bytes that a pool of slabs may take now.
     *
     * @param fraction of the memory that the JVM may use, or that the GPU has free; if it isn't given, what the device
     *     thinks best
     */
    long poolBytes(OptionalDouble fraction);

    /**
     * A pool of slabs in this device's memory, for KV blocks and adapters. The caller closes it, before these operations.
     *
     * @param slabBytes the size of a slab, a positive multiple of {@link SlabPlan#ALIGNMENT}
     * @param capacity the most slabs; fewer if the device doesn't have the memory, as {@link SlabPool#capacity} tells
     */
    SlabPool slabPool(long slabBytes, int capacity);

    /**
     * Makes base weights usable by this device. The CPU returns them as they are and reads them in place; other devices
     * copy them, the ones of a list side by side, so that layers with the same input become one product. Valid as long as
     * both the weights' owner and these operations are open.
     *
     * @param weights with the same number of columns
     * @return one for each, with the same shapes
     */
    List<Matrix> place(List<Matrix> weights);

    /** Allocates memory for activations, which lives until these operations are closed. */
    Matrix allocate(ElementType type, int rows, int cols);

    /**
     * Makes copies out of mapped memory fast where the device can do so: page-locks it for the copy engine, on a thread of
     * the device's. May be called from any thread, also while a step runs. Copies work without it, too.
     *
     * @param mapped a whole mapped file; the registration is closed before the mapping is
     */
    Registration register(MemorySegment mapped);

    /**
     * How an adapter's tensors lie in slabs of this device: what {@link SlabPool#lease(SlabPlan)} and {@link #copyIn}
     * need. May be called from any thread.
     *
     * @param source the adapter as it was loaded, in host memory
     * @param slabBytes the size of the slabs
     */
    SlabPlan plan(AdapterWeights source, long slabBytes);

    /**
     * Copies an adapter into slabs, in the types that this device computes with, and waits until it is there. May be
     * called from any platform thread, several at a time, also while a step runs, which it doesn't hold up.
     *
     * @param source the adapter as it was loaded, in host memory
     * @param plan from {@link #plan}, for the same adapter
     * @param memory one segment for each run of the plan, from a pool of {@link #slabPool}
     * @return the adapter in the slabs, for batches; valid until the slabs are given back
     */
    AdapterWeights copyIn(AdapterWeights source, SlabPlan plan, List<MemorySegment> memory);

    /**
     * Starts a step. The batch must not change until the step has ended.
     *
     * @return whether the step's calls are to be made, {@link #end} last. A device that has recorded such a step before may
     *     say no: it has started the step from the record, and the results come where those calls would have put them.
     */
    boolean begin(Batch batch, KvCache cache);

    /** Ends the step: the calls since {@link #begin} are all there are. */
    void end();

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
     * @param weight {@code W}, {@code [out, in]}, as it is stored, in host memory
     * @param delta has A, B and the scaling, in host memory
     * @param out {@code [1, out]}, F32, in host memory
     */
    void rowNorms(Matrix weight, Delta.LowRank delta, Matrix out);

    /**
     * The Euclidean norms of the columns of {@code W + scaling (B A)ᵀ}, for the magnitudes of an embedding table. Called
     * like {@link #rowNorms}.
     *
     * @param weight {@code W}, {@code [vocabulary, hidden]}, as it is stored, in host memory
     * @param delta has A, B and the scaling, in host memory
     * @param out {@code [1, hidden]}, F32, in host memory
     */
    void columnNorms(Matrix weight, Delta.LowRankEmbedding delta, Matrix out);

    /** The device's sampler. */
    Sampler sampler();

    /** Waits for the calls so far and copies one row of a matrix of F32, or of activations, to the host. */
    void read(Matrix matrix, int row, float[] to);

    /** Waits for the calls so far, whatever has become of them. */
    void await();

    /** Frees everything that was allocated here and stops the device's threads. */
    @Override
    void close();
}
