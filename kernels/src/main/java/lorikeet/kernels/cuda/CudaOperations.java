package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
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
import org.jspecify.annotations.Nullable;

/**
 * The operations on an NVIDIA GPU: weights and activations in bf16, sums and the residual stream in float32. A step's
 * work is put into one stream, in which nothing waits for copies of adapters; steps in which every sequence has one token
 * are recorded and replayed.
 */
public final class CudaOperations implements Operations {
    /** The oldest generation that the kernels are built for. */
    public static final ComputeCapability OLDEST = new ComputeCapability(8, 0);

    private static final ComputeCapability FIRST_WITH_CLUSTERS = new ComputeCapability(9, 0);

    private static final double POOL_FRACTION = 0.9;

    /** Left to the driver, the libraries and other processes when a pool takes what there is; an eighth if that is less. */
    private static final long SPARE_BYTES = 1L << 30;

    private final CudaContext context;
    private final CublasLt library;
    private final CpuOperations host;
    private final CudaStream stream;
    private final Kernels kernels;
    private final DeviceArena arena;
    private final HostCopies copies;
    private final StepUpload upload;
    private final LoraScratch scratch;
    private final CudaRows rows;
    private final DecodeProducts decodeProducts;
    private final CudaProjections projections;
    private final CudaAttention attention;
    private final CudaHead head;
    private final CudaSampler sampler;
    private final GraphLadder ladder;
    private final boolean recordsSteps;
    private final List<DeviceSlabs> slabs = new ArrayList<>();
    private final AtomicInteger largestRank = new AtomicInteger();
    private final ReadBack readBack;
    private int mostRows = 1;

    /** The device address of the last sampling's tokens. */
    private long chosen;

    /** Set when memory is given out that steps may work on from then on: what was recorded may be for other memory. */
    private boolean recordedForOthers;

    private @Nullable CurrentStep step;

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
        CudaContext context = driver.driver().open(device);
        try {
            checkUsable(context);
            return new CudaOperations(context, CublasLt.open(context), threads, settings);
        } catch (LibraryNotFoundException | RuntimeException | Error e) {
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

    private CudaOperations(CudaContext context, CublasLt library, int threads, CudaSettings settings) {
        this.context = context;
        this.library = library;
        this.recordsSteps = settings.recordsSteps();
        int multiprocessors = context.device().multiprocessors();
        host = new CpuOperations(threads);
        stream = context.stream(-1);
        kernels = new Kernels(context);
        arena = new DeviceArena(context);
        copies = new HostCopies(context, kernels, settings.registersFiles());
        upload = new StepUpload(context, kernels, stream);
        scratch = new LoraScratch(context, stream);
        boolean clusters = context.device().capability().compareTo(FIRST_WITH_CLUSTERS) >= 0;
        decodeProducts = new DecodeProducts(context, kernels, stream);
        Products products = new Products(kernels, decodeProducts, library, stream);
        projections = new CudaProjections(kernels, products, stream, scratch, clusters);
        attention = new CudaAttention(kernels, stream, arena, multiprocessors);
        head = new CudaHead(kernels, stream, projections);
        sampler = new CudaSampler(context, kernels, stream, host.sampler());
        ladder = new GraphLadder(stream);
        readBack = new ReadBack(context, stream);
        rows = new CudaRows(kernels, stream);
    }

    @Override
    public String describe() {
        return context.device() + ", " + library.describe();
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
        context.use();
        return (long) (fraction.orElse(POOL_FRACTION) * context.memoryInfo().free());
    }

    @Override
    public SlabPool slabPool(long slabBytes, int capacity) {
        context.use();
        long free = context.memoryInfo().free();
        long left = free - Math.min(SPARE_BYTES, free / 8);
        DeviceSlabs source = new DeviceSlabs(context);
        slabs.add(source);
        return new SlabPool(slabBytes, (int) Math.min(capacity, left / slabBytes), source);
    }

    @Override
    public List<Matrix> place(List<Matrix> weights) {
        return new CudaWeights(arena, copies).place(weights);
    }

    @Override
    public Matrix allocate(ElementType type, int rows, int cols) {
        mostRows = Math.max(mostRows, rows);
        recordedForOthers = true;
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
        AdapterWeights copy = AdapterCopies.copy(source, plan, memory, copies);
        largestRank.accumulateAndGet(AdapterCopies.rank(source), Math::max);
        return copy;
    }

    @Override
    public boolean begin(Batch batch, KvCache cache) {
        context.use();
        ladder.abandon();
        boolean moved = upload.reserve(batch, cache);
        moved |= recordedForOthers;
        recordedForOthers = false;
        moved |= scratch.reserve(largestRank.get(), mostRows);
        moved |= chosen != sampler.chosen(mostRows);
        chosen = sampler.chosen(mostRows);
        if (moved) {
            stream.synchronize();
            ladder.clear();
        }
        upload.send(batch, cache, kvBase());
        int rung = rung(batch);
        step = new CurrentStep(batch, cache.layout(), upload.address(), rung);
        if (rung == 0) {
            return true;
        }
        boolean headAdapted = CurrentStep.headAdapted(batch.outputGroups(), head.slot());
        return ladder.begin(new GraphLadder.Rung(rung, step.adapted(), headAdapted)) != GraphLadder.Start.REPLAYED;
    }

    /** The rows that the step can be recorded for, 0 if it can't be. */
    private int rung(Batch batch) {
        boolean suits = recordsSteps && CurrentStep.isDecode(batch) && head.isKnown();
        int rows = suits ? GraphLadder.rows(batch.tokens()) : 0;
        return rows > mostRows ? 0 : rows;
    }

    /** KV blocks are counted from the lowest address of all pools. */
    private long kvBase() {
        return slabs.stream()
                .mapToLong(DeviceSlabs::base)
                .filter(base -> base != 0)
                .min()
                .orElse(0);
    }

    @Override
    public void end() {
        ladder.end();
    }

    private CurrentStep step() {
        if (step == null) {
            throw new IllegalStateException("no step was begun");
        }
        return step;
    }

    @Override
    public void embed(Matrix table, int slot, Matrix out) {
        rows.embed(step(), chosen, table, slot, out);
    }

    @Override
    public void norm(Matrix in, Norm norm, Matrix out) {
        rows.norm(step(), in, norm, out);
    }

    @Override
    public void project(Matrix in, Projected out) {
        projections.project(step(), in, out);
    }

    @Override
    public void rotateAndStore(Projected qkv, HeadNorms norms, AttentionShape shape) {
        projections.rotateAndStore(step(), qkv, norms, shape);
    }

    @Override
    public void attend(Projected qkv, AttentionShape shape, Matrix out) {
        attention.attend(step(), qkv.values(), shape, out);
    }

    @Override
    public void addNorm(Projected delta, Matrix residual, Norm norm, Matrix out) {
        projections.addNorm(step(), delta, residual, norm, out);
    }

    @Override
    public void gate(Projected gateUp, Matrix out) {
        projections.gate(step(), gateUp, out);
    }

    @Override
    public void gatherOutputs(Matrix in, Matrix out) {
        rows.gatherOutputs(step(), in, out);
    }

    @Override
    public void logits(Matrix in, Linear layer, Matrix out) {
        head.logits(step(), in, layer, out);
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
        readBack.read(matrix, row, to);
    }

    @Override
    public void await() {
        context.use();
        ladder.abandon();
        stream.synchronize();
    }

    @Override
    public void close() {
        context.use();
        stream.synchronize();
        ladder.close();
        readBack.close();
        sampler.close();
        projections.close();
        decodeProducts.close();
        scratch.close();
        upload.close();
        copies.close();
        arena.close();
        kernels.close();
        library.close();
        stream.close();
        host.close();
        context.close();
    }
}
