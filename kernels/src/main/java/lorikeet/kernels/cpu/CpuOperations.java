package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.Delta;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Registration;
import lorikeet.kernels.Sampler;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import org.jspecify.annotations.Nullable;

/**
 * The operations on the CPU, on all of its vector units and as many threads as asked for.
 *
 * <p>Weights are read in place, in the type they are stored in; activations, keys, values and sums are float32. The
 * result of a token depends on its sequence alone, to the last bit: not on the rest of the batch, on how a prompt was
 * cut into steps, or on the number of threads.
 */
public final class CpuOperations implements Operations {
    private static final long ALIGNMENT = 64;
    private static final double POOL_FRACTION = 0.25;

    private final Arena arena = Arena.ofShared();
    private final WorkerPool pool;
    private final CpuEmbedding embedding;
    private final CpuNorm norms;
    private final CpuMatmul matmul;
    private final CpuRotary rotary;
    private final CpuAttention attention;
    private final CpuGate gate;
    private final CpuSampler sampler;
    private Batch batch = new Batch();
    private @Nullable KvCache cache;

    /**
     * Starts the threads.
     *
     * @param threads number of threads that compute, the caller's among them; at least 1
     */
    public CpuOperations(int threads) {
        pool = new WorkerPool(threads);
        embedding = new CpuEmbedding(pool);
        norms = new CpuNorm(pool);
        matmul = new CpuMatmul(pool);
        rotary = new CpuRotary(pool);
        attention = new CpuAttention(pool);
        gate = new CpuGate(pool);
        sampler = new CpuSampler(pool);
    }

    @Override
    public String describe() {
        return "CPU, " + pool.size() + " threads, " + Vectors.FLOATS.vectorBitSize() + "-bit vectors";
    }

    @Override
    public boolean isAsynchronous() {
        return false;
    }

    @Override
    public ElementType activationType() {
        return ElementType.F32;
    }

    @Override
    public ElementType kvType() {
        return ElementType.F32;
    }

    @Override
    public ElementType residualType() {
        return ElementType.F32;
    }

    @Override
    public long poolBytes(OptionalDouble fraction) {
        return (long) (fraction.orElse(POOL_FRACTION) * Runtime.getRuntime().maxMemory());
    }

    @Override
    public SlabPool slabPool(long slabBytes, int capacity) {
        return new SlabPool(slabBytes, capacity);
    }

    @Override
    public List<Matrix> place(List<Matrix> weights) {
        return weights;
    }

    @Override
    public Matrix allocate(ElementType type, int rows, int cols) {
        MemorySegment data = arena.allocate((long) rows * cols * type.bytes(), ALIGNMENT);
        return new Matrix(data, type, rows, cols);
    }

    @Override
    public Registration register(MemorySegment mapped) {
        return Registration.NONE;
    }

    @Override
    public SlabPlan plan(AdapterWeights source, long slabBytes) {
        return AdapterCopy.plan(source, slabBytes);
    }

    @Override
    public AdapterWeights copyIn(AdapterWeights source, SlabPlan plan, List<MemorySegment> memory) {
        return new AdapterCopy(plan, memory).copy(source);
    }

    @Override
    public boolean begin(Batch batch, KvCache cache) {
        this.batch = batch;
        this.cache = cache;
        rotary.begin(batch);
        attention.begin();
        return true;
    }

    @Override
    public void end() {}

    private KvCache cache() {
        if (cache == null) {
            throw new IllegalStateException("no step was begun");
        }
        return cache;
    }

    @Override
    public void embed(Matrix table, int slot, Matrix out) {
        embedding.embed(batch, sampler::resolve, table, slot, out);
    }

    @Override
    public void norm(Matrix in, Norm norm, Matrix out) {
        norms.norm(in, norm, batch.tokenGroups(), out);
    }

    @Override
    public void project(Matrix in, Projected out) {
        matmul.project(out, in, batch.tokenGroups());
    }

    @Override
    public void rotateAndStore(Projected qkv, HeadNorms norms, AttentionShape shape) {
        rotary.rotateAndStore(batch, cache(), qkv.values(), norms, shape);
    }

    @Override
    public void attend(Projected qkv, AttentionShape shape, Matrix out) {
        attention.attend(batch, cache(), qkv.values(), shape, out);
    }

    @Override
    public void addNorm(Projected delta, Matrix residual, Norm norm, Matrix out) {
        norms.addNorm(delta.values(), residual, norm, batch.tokenGroups(), out);
    }

    @Override
    public void gate(Projected gateUp, Matrix out) {
        gate.gate(gateUp.values(), batch.tokens(), out);
    }

    @Override
    public void gatherOutputs(Matrix in, Matrix out) {
        for (int o = 0; o < batch.outputs(); o++) {
            long from = batch.outputRow(o) * in.rowBytes();
            MemorySegment.copy(in.data(), from, out.data(), o * out.rowBytes(), in.rowBytes());
        }
    }

    @Override
    public void logits(Matrix in, Linear head, Matrix out) {
        matmul.logits(in, head, out, batch.outputGroups());
    }

    @Override
    public void rowNorms(Matrix weight, Delta.LowRank delta, Matrix out) {
        CpuRowNorms.compute(weight, delta, out);
    }

    @Override
    public void columnNorms(Matrix weight, Delta.LowRankEmbedding delta, Matrix out) {
        CpuColumnNorms.compute(weight, delta, out);
    }

    @Override
    public Sampler sampler() {
        return sampler;
    }

    @Override
    public void read(Matrix matrix, int row, float[] to) {
        MemorySegment.copy(matrix.data(), JAVA_FLOAT, row * matrix.rowBytes(), to, 0, matrix.cols());
    }

    @Override
    public void await() {
        // They have ended when they return.
    }

    @Override
    public void close() {
        pool.close();
        matmul.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
