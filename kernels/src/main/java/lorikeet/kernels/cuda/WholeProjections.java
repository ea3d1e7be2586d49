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
 * Projections of decode steps with adapters that the product's own launch can't finish, as heads have norms, or there are more
 * tiles than blocks: it leaves the shrunk inputs whole for kernels that are made for tiles of few rows.
 */
final class WholeProjections {
    /** Up to so many rows, the kernels that put partial sums together are faster, as long as ranks are small. */
    private static final int FEW_ROWS = 24;

    private static final int SMALL_STRIDE = 16;

    /** Blocks that fill the device. */
    private static final int MOST_BLOCKS = 528;

    private static final int ADD_NORM_BLOCKS = 256;

    private final DecodeConsumers consumers;
    private final DecodeProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final LoraCalls calls;
    private final NormClusters clusters;

    WholeProjections(
            DecodeConsumers consumers,
            DecodeProducts products,
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
        return step.adapted() && many && products.takeShrink(step.tokens(), projection.in());
    }

    private void project(CurrentStep step, Matrix in, Projected out) {
        int rows = step.tokens();
        calls.of(out.projection()).write(products.shrinking(rows, true).argument(2), step, scratch, Shrunk.WHOLE);
        products.runAndShrink(step, rows, true, in, out.projection().parts(), out.values());
    }

    private KernelLaunch prepare(KernelLaunch kernel, CurrentStep step, Projected of, long blocks, int threads) {
        calls.of(of.projection()).write(kernel.argument(1), step, scratch, Shrunk.WHOLE);
        return kernel.grid(Math.clamp(blocks, 1, MOST_BLOCKS), 1, 1)
                .block(threads, 1, 1, DecodeConsumers.sharedBytes(threads))
                .set(0, step.address());
    }

    /** As {@link StepProjections#rotateAndStore} says, and the product before. */
    void rotateAndStore(CurrentStep step, Matrix in, Projected qkv, HeadNorms norms, AttentionShape shape) {
        project(step, in, qkv);
        KernelLaunch kernel = consumers.rotate();
        Rotation.write(kernel.argument(2), norms, shape);
        long heads = shape.heads() + 2L * shape.kvHeads();
        prepare(kernel, step, qkv, step.tiles() * heads, PartialProjections.EXPAND_THREADS)
                .set(3, qkv.values().data().address())
                .launch(stream.handle());
    }

    /** As {@link StepProjections#addNorm} says, and the product before. */
    void addNorm(CurrentStep step, Matrix in, Projected delta, Matrix residual, Norm norm, Matrix out) {
        project(step, in, delta);
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
