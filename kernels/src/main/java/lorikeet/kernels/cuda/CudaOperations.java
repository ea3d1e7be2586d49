package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import lorikeet.bindings.ComputeCapability;
import lorikeet.bindings.CublasLt;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaException;
import lorikeet.bindings.CudaProbe;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.LibraryNotFoundException;
import lorikeet.bindings.StreamTimer;
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
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;

/**
 * The operations on an NVIDIA GPU: weights and activations in bf16, sums and the residual stream in float32. A step's
 * work is put into one stream, in which nothing waits for copies of adapters; steps in which every sequence has one token
 * are recorded and replayed.
 */
public final class CudaOperations implements Operations {
    /** The oldest generation that the kernels are built for. */
    public static final ComputeCapability OLDEST = new ComputeCapability(8, 0);

    private static final ComputeCapability FIRST_WITH_CLUSTERS = new ComputeCapability(9, 0);

    private final CudaContext context;
    private final CublasLt library;
    private final CpuOperations host;
    private final CudaStream stream;
    private final Kernels kernels;
    private final DeviceArena arena;
    private final HostCopies copies;
    private final DevicePools pools;
    private final CudaRows rows;
    private final DecodeProducts decodeProducts;
    private final CudaProjections projections;
    private final StepAttention attention;
    private final CudaHead head;
    private final CudaSampler sampler;
    private final CudaSteps steps;
    private final ReadBack readBack;
    private final boolean batchInvariant;

    /**
     * Opens a device.
     *
     * @param driver what the probe found
     * @param device one of its devices, {@link #OLDEST} or newer
     * @param threads threads for what is left to the CPU
     * @param settings what is switched on
     * @throws LibraryNotFoundException if there is no cuBLASLt
     */
    public static CudaOperations open(CudaProbe.Available driver, CudaDevice device, int threads, CudaSettings settings)
            throws LibraryNotFoundException {
        CpuOperations host = new CpuOperations(threads);
        try {
            return open(driver.driver().open(device), host, settings);
        } catch (LibraryNotFoundException | RuntimeException | Error e) {
            host.close();
            throw e;
        }
    }

    private static CudaOperations open(CudaContext context, CpuOperations host, CudaSettings settings)
            throws LibraryNotFoundException {
        try {
            checkUsable(context);
            CublasLt library = CublasLt.open(context);
            try {
                return new CudaOperations(context, library, host, settings);
            } catch (RuntimeException | Error e) {
                library.close();
                throw e;
            }
        } catch (LibraryNotFoundException | RuntimeException | Error e) {
            // With all that was allocated in it.
            context.close();
            throw e;
        }
    }

    /** A fault of a kernel breaks a process's context for good; a stream says so, and the libraries wouldn't. */
    private static void checkUsable(CudaContext context) {
        try (CudaStream stream = context.stream(0)) {
            stream.synchronize();
        } catch (CudaException e) {
            throw new IllegalStateException(
                    "an earlier fault on the GPU left this process no use of it, start it again: " + e.getMessage(), e);
        }
    }

    private CudaOperations(CudaContext context, CublasLt library, CpuOperations host, CudaSettings settings) {
        this.context = context;
        this.library = library;
        this.host = host;
        batchInvariant = settings.batchInvariant();
        stream = context.stream(-1);
        kernels = new Kernels(context);
        arena = new DeviceArena(context);
        copies = new HostCopies(context, kernels, settings.registersFiles());
        pools = new DevicePools(context);
        LoraScratch scratch = new LoraScratch(context, stream);
        boolean clusters = context.device().capability().compareTo(FIRST_WITH_CLUSTERS) >= 0;
        decodeProducts = new DecodeProducts(context, kernels, stream);
        StepProducts products = settings.batchInvariant()
                ? new InvariantProducts(decodeProducts, new PromptProducts(kernels, decodeProducts, stream))
                : new Products(kernels, decodeProducts, library, stream);
        rows = new CudaRows(kernels, stream);
        projections = new CudaProjections(context, kernels, products, decodeProducts, stream, rows, scratch, clusters);
        attention = settings.batchInvariant()
                ? new InvariantAttention(
                        kernels, stream, arena, context.device().multiprocessors())
                : new CudaAttention(kernels, stream, arena, context.device());
        head = new CudaHead(kernels, stream, projections);
        sampler = new CudaSampler(context, kernels, stream, host.sampler());
        StepUpload upload = new StepUpload(context, kernels, stream);
        steps = new CudaSteps(stream, upload, scratch, head, sampler, settings);
        readBack = new ReadBack(context, stream);
    }

    @Override
    public String describe() {
        return context.device() + ", " + library.describe() + (batchInvariant ? ", batch-invariant" : "");
    }

    @Override
    public boolean isAsynchronous() {
        return true;
    }

    @Override
    public ElementType activationType() {
        return ElementType.BF16;
    }

    @Override
    public ElementType residualType() {
        return ElementType.F32;
    }

    @Override
    public ElementType kvType() {
        return ElementType.BF16;
    }

    @Override
    public long poolBytes(OptionalDouble fraction) {
        return pools.bytes(fraction);
    }

    @Override
    public SlabPool slabPool(long slabBytes, int capacity) {
        return pools.open(slabBytes, capacity);
    }

    @Override
    public List<Matrix> place(List<Matrix> weights) {
        return new CudaWeights(arena, copies).place(weights);
    }

    @Override
    public Matrix allocate(ElementType type, int rows, int cols) {
        steps.workOn(rows);
        long rowBytes = (long) cols * type.bytes();
        MemorySegment memory = arena.allocate(Products.paddedRows(rows) * rowBytes);
        context.use();
        stream.fill(memory.address(), (byte) 0, memory.byteSize());
        return new Matrix(memory.asSlice(0, rows * rowBytes), type, rows, cols);
    }

    @Override
    public Registration register(MemorySegment mapped) {
        return copies.register(mapped);
    }

    @Override
    public SlabPlan plan(AdapterWeights source, long slabBytes) {
        int rank = AdapterCopies.rank(source);
        if (rank > LoraScratch.MAX_RANK) {
            throw new IllegalArgumentException(
                    "an adapter of rank " + rank + ", at most " + LoraScratch.MAX_RANK + " runs on the GPU");
        }
        return AdapterCopies.plan(source, slabBytes);
    }

    @Override
    public AdapterWeights copyIn(AdapterWeights source, SlabPlan plan, List<MemorySegment> memory) {
        steps.reserve(AdapterCopies.rank(source));
        return AdapterCopies.copy(source, plan, memory, copies);
    }

    @Override
    public boolean begin(Batch batch, KvCache cache) {
        context.use();
        projections.begin();
        return steps.begin(batch, cache, pools.base());
    }

    @Override
    public void end() {
        steps.end();
    }

    @Override
    public void embed(Matrix table, int slot, Matrix out) {
        projections.settle();
        rows.embed(steps.current(), steps.chosen(), table, slot, out);
    }

    @Override
    public void norm(Matrix in, Norm norm, Matrix out) {
        projections.settle();
        rows.norm(steps.current(), in, norm, out);
    }

    @Override
    public void project(Matrix in, Projected out) {
        projections.project(steps.current(), in, out);
    }

    @Override
    public void rotateAndStore(Projected qkv, HeadNorms norms, AttentionShape shape) {
        projections.rotateAndStore(steps.current(), qkv, norms, shape);
    }

    @Override
    public void attend(Projected qkv, AttentionShape shape, Matrix out) {
        attention.attend(steps.current(), qkv.values(), shape, out);
    }

    @Override
    public void addNorm(Projected delta, Matrix residual, Norm norm, Matrix out) {
        projections.addNorm(steps.current(), delta, residual, norm, out);
    }

    @Override
    public void gate(Projected gateUp, Matrix out) {
        projections.gate(steps.current(), gateUp, out);
    }

    @Override
    public void gatherOutputs(Matrix in, Matrix out) {
        projections.settle();
        rows.gatherOutputs(steps.current(), in, out);
    }

    @Override
    public void logits(Matrix in, Linear layer, Matrix out) {
        projections.settle();
        head.logits(steps.current(), in, layer, out);
    }

    @Override
    public void rowNorms(Matrix weight, Delta.LowRank delta, Matrix out) {
        host.rowNorms(weight, delta, out);
    }

    @Override
    public void columnNorms(Matrix weight, Delta.LowRankEmbedding delta, Matrix out) {
        host.columnNorms(weight, delta, out);
    }

    @Override
    public Sampler sampler() {
        return sampler;
    }

    /** A stopwatch for the stream that steps run in; the caller closes it before these operations. For measuring. */
    public StreamTimer timer() {
        context.use();
        return new StreamTimer(context, stream);
    }

    @Override
    public void read(Matrix matrix, int row, float[] to) {
        context.use();
        projections.settle();
        readBack.read(matrix, row, to);
    }

    @Override
    public void await() {
        context.use();
        steps.await();
    }

    @Override
    public void close() {
        context.use();
        stream.synchronize();
        readBack.close();
        steps.close();
        sampler.close();
        projections.close();
        decodeProducts.close();
        copies.close();
        arena.close();
        kernels.close();
        library.close();
        stream.close();
        host.close();
        context.close();
    }
}
