package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.kernels.cuda.Kernels.DecodeConsumers;
import lorikeet.memory.Matrix;

/**
 * Projections of decode steps with adapters, whose shrunk inputs the product's launch leaves whole for kernels that are made
 * for tiles of few rows.
 */
final class WholeProjections implements StepProjections {
    /** Up to so many rows, the kernels that put partial sums together are faster, as long as ranks are small. */
    private static final int FEW_ROWS = 24;

    private static final int SMALL_STRIDE = 16;

    /** Blocks that fill the device. */
    private static final int MOST_BLOCKS = 528;

    private static final int ADD_NORM_BLOCKS = 256;

    private final DecodeConsumers consumers;
    private final StepProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final LoraCalls calls;
    private final NormClusters clusters;

    WholeProjections(
            DecodeConsumers consumers,
            StepProducts products,
            CudaStream stream,
            LoraScratch scratch,
            LoraCalls calls,
            NormClusters clusters) {
        this.consumers = consumers;
        this.products = products;
        this.stream = stream;
        this.scratch = scratch;
        this.calls = calls;
        this.clusters = clusters;
    }

    /** Whether this is the best way for a step's projection. */
    boolean takes(CurrentStep step, Projection projection) {
        boolean many = step.tokens() > FEW_ROWS || scratch.stride() > SMALL_STRIDE;
        return step.adapted() && many && products.leavesWhole(step, projection.in());
    }

    @Override
    public void project(CurrentStep step, Matrix in, Projected out) {
        LoraCall call = calls.of(out.projection());
        KernelLaunch shrinking = products.shrinking(step, in, true);
        if (shrinking == null) {
            throw new IllegalArgumentException(
                    "no kernel leaves the shrunk inputs of " + step.tokens() + " rows whole");
        }
        call.write(shrinking.argument(2), step, scratch, Shrunk.WHOLE);
        int blocks = PartialProjections.shrinkBlocks(step, call, scratch);
        products.tokensAndShrink(step, true, in, out.projection().parts(), out.values(), blocks);
    }

    private KernelLaunch prepare(KernelLaunch kernel, CurrentStep step, Projected of, long blocks, int threads) {
        calls.of(of.projection()).write(kernel.argument(1), step, scratch, Shrunk.WHOLE);
        return kernel.grid(Math.clamp(blocks, 1, MOST_BLOCKS), 1, 1)
                .block(threads, 1, 1, DecodeConsumers.sharedBytes(threads))
                .set(0, step.address());
    }

    @Override
    public void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape) {
        KernelLaunch kernel = consumers.rotate();
        Rotation.write(kernel.argument(2), norms, shape);
        long heads = shape.heads() + 2L * shape.kvHeads();
        prepare(kernel, step, qkv, step.tiles() * heads, PartialProjections.EXPAND_THREADS)
                .set(3, qkv.values().data().address())
                .launch(stream.handle());
    }

    @Override
    public void gate(CurrentStep step, Projected gateUp, Matrix out) {
        long windows = Math.ceilDiv(out.cols(), PartialProjections.WINDOW);
        prepare(consumers.gate(), step, gateUp, step.tiles() * windows, PartialProjections.EXPAND_THREADS)
                .set(2, gateUp.values().data().address())
                .set(3, out.data().address())
                .launch(stream.handle());
    }

    @Override
    public void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out) {
        KernelLaunch kernel = consumers.addNorm();
        NormWeight.write(kernel.argument(2), 0, norm);
        int cluster = clusters.set(kernel, residual.cols());
        long blocks = (long) Math.min(step.tiles(), ADD_NORM_BLOCKS / cluster) * cluster;
        prepare(kernel, step, delta, blocks, PartialProjections.ADD_NORM_THREADS)
                .set(3, delta.values().data().address())
                .set(4, residual.data().address())
                .set(5, out.data().address())
                .launch(stream.handle());
    }
}
