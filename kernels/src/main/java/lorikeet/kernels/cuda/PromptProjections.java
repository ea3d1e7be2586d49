package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;

/** Projections of steps of many tokens. What their kernels are not for is left to those for any step. */
final class PromptProjections implements StepProjections {
    private static final int COLUMNS = 64;
    private static final int TOGETHER = 4;
    private static final int THREADS = 128;
    private static final int GATE_BLOCKS = 3;
    private static final int ROTATE_BLOCKS = 4;
    private static final int ADD_NORM_MOST_COLUMNS = 8192;
    private static final int WARP = 32;

    private final Kernels kernels;
    private final StepProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final LoraCalls calls;
    private final CudaDevice device;
    private final NormClusters clusters;
    private final PartialProjections others;
    private final PromptShrink shrink;

    PromptProjections(
            Kernels kernels,
            StepProducts products,
            CudaStream stream,
            LoraScratch scratch,
            LoraCalls calls,
            CudaDevice device,
            NormClusters clusters,
            PartialProjections others) {
        this.kernels = kernels;
        this.products = products;
        this.stream = stream;
        this.scratch = scratch;
        this.calls = calls;
        this.device = device;
        this.clusters = clusters;
        this.others = others;
        this.shrink = new PromptShrink(kernels, stream, scratch, device, clusters.available());
    }

    private int stride(CurrentStep step) {
        return step.adapted() ? scratch.stride() : 0;
    }

    /** Four tiles at a time, each with so many windows of columns. */
    private static long units(CurrentStep step, long windows) {
        return Math.ceilDiv(step.tiles(), TOGETHER) * windows;
    }

    private int grid(long units, int onEach) {
        return (int) Math.min(units, (long) onEach * device.multiprocessors());
    }

    @Override
    public void project(CurrentStep step, Matrix in, Projected out) {
        if (step.adapted()) {
            shrink(step, calls.of(out.projection()), in, step.batch().tokenGroups());
        }
        products.tokens(step, in, out.projection().parts(), out.values());
    }

    /** The adapters' shrink of {@code groups}, the step's rows or its outputs. */
    void shrink(CurrentStep step, LoraCall call, Matrix in, RowGroups groups) {
        shrink.launch(step, call, in, groups);
    }

    private static boolean takesRotation(HeadNorms norms, AttentionShape shape) {
        return norms.query() == null && norms.key() == null && shape.headSize() % 16 == 0;
    }

    @Override
    public void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape) {
        if (!takesRotation(norms, shape)) {
            others.rotateAndStore(step, qkv, norms, shape);
            return;
        }
        KernelLaunch kernel = kernels.rotatePrompt;
        calls.of(qkv.projection()).write(kernel.argument(1), step, scratch);
        Rotation.write(kernel.argument(2), norms, shape);
        long windows = Math.ceilDiv(shape.heads() * shape.headSize(), COLUMNS)
                + 2L * Math.ceilDiv(shape.kvHeads() * shape.headSize(), COLUMNS);
        kernel.grid(grid(units(step, windows), ROTATE_BLOCKS), 1, 1)
                .block(THREADS, 1, 1, PromptShared.rotate(stride(step)))
                .set(0, step.address())
                .set(3, qkv.values().data().address())
                .launch(stream.handle());
    }

    @Override
    public void gate(CurrentStep step, Projected gateUp, Matrix out) {
        if (out.cols() % 8 != 0) {
            others.gate(step, gateUp, out);
            return;
        }
        KernelLaunch kernel = kernels.gatePrompt;
        calls.of(gateUp.projection()).write(kernel.argument(1), step, scratch);
        kernel.grid(grid(units(step, Math.ceilDiv(out.cols(), COLUMNS)), GATE_BLOCKS), 1, 1)
                .block(THREADS, 1, 1, PromptShared.gate(stride(step)))
                .set(0, step.address())
                .set(2, gateUp.values().data().address())
                .set(3, out.data().address())
                .launch(stream.handle());
    }

    private boolean takesAddNorm(CurrentStep step, Matrix residual) {
        int columns = residual.cols();
        return clusters.available()
                && columns % 8 == 0
                && columns <= ADD_NORM_MOST_COLUMNS
                && PromptShared.addNorm(stride(step), addNormThreads(columns)) <= device.sharedBytes();
    }

    private int addNormThreads(int columns) {
        return Math.ceilDiv(Math.ceilDiv(columns, COLUMNS), clusters.blocks(columns)) * WARP;
    }

    @Override
    public void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out) {
        if (!takesAddNorm(step, residual)) {
            others.addNorm(step, delta, residual, norm, out);
            return;
        }
        KernelLaunch kernel = kernels.addNormPrompt;
        calls.of(delta.projection()).write(kernel.argument(1), step, scratch);
        NormWeight.write(kernel.argument(2), 0, norm);
        int cluster = clusters.set(kernel, residual.cols());
        int threads = addNormThreads(residual.cols());
        kernel.grid(step.tiles() * cluster, 1, 1)
                .block(threads, 1, 1, PromptShared.addNorm(stride(step), threads))
                .set(0, step.address())
                .set(3, delta.values().data().address())
                .set(4, residual.data().address())
                .set(5, out.data().address())
                .launch(stream.handle());
    }
}
