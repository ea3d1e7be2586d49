package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.memory.Matrix;

/**
 * Projections of any step. Of few rows, the adapters' shrink is beside the product, if there is a kernel for both; its
 * partial sums are put together by whatever reads the result.
 */
final class PartialProjections implements StepProjections {
    static final int EXPAND_THREADS = 128;
    static final int ADD_NORM_THREADS = 256;
    static final int WINDOW = 256;

    /** The most blocks of kernels that expand. */
    static final int MOST_BLOCKS = 1056;

    private static final int SHRINK_THREADS = 256;
    private static final int SHRINK_BLOCKS = 264;
    private static final int STAGED_BLOCKS = 528;

    /** Of single tokens: as many as fit at once. */
    private static final int ROTATE_BLOCKS = 528;

    private static final int ADD_NORM_BLOCKS = 264;
    private static final int MOST_STAGED_TOKENS = 512;

    private final Kernels kernels;
    private final StepProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final LoraCalls calls;
    private final NormClusters clusters;

    PartialProjections(
            Kernels kernels,
            StepProducts products,
            CudaStream stream,
            LoraScratch scratch,
            LoraCalls calls,
            NormClusters clusters) {
        this.kernels = kernels;
        this.products = products;
        this.stream = stream;
        this.scratch = scratch;
        this.calls = calls;
        this.clusters = clusters;
    }

    private static int grid(long blocks, int most) {
        return Math.clamp(blocks, 1, most);
    }

    /** Blocks that shrink beside a product. */
    static int shrinkBlocks(CurrentStep step, LoraCall call, LoraScratch scratch) {
        int shares = Math.min(scratch.stride() / 16, LoraScratch.MOST_RANK_SHARES);
        return grid(16L * step.tiles() * call.parts() * shares, SHRINK_BLOCKS);
    }

    @Override
    public void project(CurrentStep step, Matrix in, Projected out) {
        if (step.adapted()) {
            LoraCall call = calls.of(out.projection());
            KernelLaunch shrinking = products.shrinking(step, in);
            if (shrinking != null) {
                call.write(shrinking.argument(2), step, scratch);
                products.tokensAndShrink(
                        step, in, out.projection().parts(), out.values(), shrinkBlocks(step, call, scratch));
                return;
            }
            shrink(step, call, in, step.tiles());
        }
        products.tokens(step, in, out.projection().parts(), out.values());
    }

    /**
     * The adapters' shrink of the step's rows, or its outputs, where they are few.
     *
     * @param tiles as many as there may be
     */
    void shrink(CurrentStep step, LoraCall call, Matrix in, int tiles) {
        KernelLaunch kernel = kernels.shrink;
        call.write(kernel.argument(1), step, scratch);
        kernel.grid(grid(16L * tiles * call.parts(), SHRINK_BLOCKS), 1, 1)
                .block(SHRINK_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(2, in.data().address())
                .launch(stream.handle());
    }

    /** Tiles that are taken together. */
    private static long groups(CurrentStep step) {
        return Math.ceilDiv(step.tiles(), LoraCall.run(step.prompt()));
    }

    @Override
    public void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape) {
        KernelLaunch kernel = kernels.rotateAndStore;
        calls.of(qkv.projection()).write(kernel.argument(1), step, scratch);
        Rotation.write(kernel.argument(2), norms, shape);
        int perWindow = Math.max(1, WINDOW / shape.headSize());
        long windows = Math.ceilDiv(shape.heads() + 2 * shape.kvHeads(), perWindow);
        kernel.grid(grid(groups(step) * windows, step.prompt() ? MOST_BLOCKS : ROTATE_BLOCKS), 1, 1)
                .block(EXPAND_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(3, qkv.values().data().address())
                .launch(stream.handle());
    }

    @Override
    public void gate(CurrentStep step, Projected gateUp, Matrix out) {
        long windows = Math.ceilDiv(out.cols(), WINDOW);
        boolean staged = isGateStaged(step);
        KernelLaunch kernel = staged ? kernels.gateStaged : kernels.gate;
        calls.of(gateUp.projection()).write(kernel.argument(1), step, scratch);
        int blocks = staged ? grid(step.tiles() * windows, STAGED_BLOCKS) : grid(groups(step) * windows, MOST_BLOCKS);
        kernel.grid(blocks, 1, 1)
                .block(EXPAND_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(2, gateUp.values().data().address())
                .set(3, out.data().address())
                .launch(stream.handle());
    }

    /**
     * Whether B goes through shared memory: not for prompts that read it once for many rows, nor for a few rows with small
     * ranks, which have nothing to read ahead. The two round differently.
     */
    private boolean isGateStaged(CurrentStep step) {
        boolean few = step.tokens() <= Products.MATVEC_ROWS && scratch.stride() <= 16;
        return step.invariant() || !step.adapted() || (!few && step.tokens() <= MOST_STAGED_TOKENS);
    }

    @Override
    public void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out) {
        KernelLaunch kernel = kernels.addNorm;
        calls.of(delta.projection()).write(kernel.argument(1), step, scratch);
        NormWeight.write(kernel.argument(2), 0, norm);
        int cluster = clusters.set(kernel, residual.cols());
        kernel.grid(grid(groups(step), ADD_NORM_BLOCKS) * cluster, 1, 1)
                .block(ADD_NORM_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(3, delta.values().data().address())
                .set(4, residual.data().address())
                .set(5, out.data().address())
                .launch(stream.handle());
    }
}
