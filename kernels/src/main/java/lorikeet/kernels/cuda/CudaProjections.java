package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.memory.Matrix;

/** Projections, and what finishes them: each in the best way that there is for the step. And the head's. */
final class CudaProjections implements AutoCloseable {
    private final Kernels kernels;
    private final StepProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final LoraCalls calls = new LoraCalls();
    private final PromptProjections prompts;
    private final FusedProjections fused;
    private final PartialProjections partial;

    CudaProjections(
            CudaContext context,
            Kernels kernels,
            StepProducts products,
            DecodeProducts decodeProducts,
            CudaStream stream,
            CudaRows rows,
            LoraScratch scratch,
            boolean clusters) {
        this.kernels = kernels;
        this.products = products;
        this.stream = stream;
        this.scratch = scratch;
        NormClusters norms = new NormClusters(clusters);
        partial = new PartialProjections(kernels, products, stream, scratch, calls, norms);
        prompts = new PromptProjections(kernels, products, stream, scratch, calls, context.device(), norms, partial);
        fused = new FusedProjections(context, kernels, decodeProducts, stream, rows, scratch, calls, partial);
    }

    private StepProjections best(CurrentStep step, Projection projection) {
        if (step.prompt()) {
            return prompts;
        }
        return fused.takes(step, projection) ? fused : partial;
    }

    void project(CurrentStep step, Matrix in, Projected out) {
        StepProjections projections = best(step, out.projection());
        if (projections != fused) {
            settle();
        }
        projections.project(step, in, out);
    }

    /** Finishes what only a projection would take as it is: before anything else reads it. */
    void settle() {
        fused.unfinished().settle();
    }

    /** Before a step: forgets what one that failed has left. */
    void begin() {
        fused.unfinished().forget();
    }

    void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape) {
        best(step, qkv.projection()).rotateAndStore(step, qkv, norms, shape);
    }

    void gate(CurrentStep step, Projected gateUp, Matrix out) {
        best(step, gateUp.projection()).gate(step, gateUp, out);
    }

    void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out) {
        best(step, delta.projection()).addNorm(step, delta, residual, norm, out);
    }

    /** The base model's logits. */
    void headProduct(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        products.outputs(step, in, layer, out);
    }

    /** Adds the low-rank changes of the head to the logits. */
    void expandHead(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        LoraCall call = calls.ofHead(layer);
        int tiles = step.outputTiles();
        if (step.prompt()) {
            prompts.shrink(step, call, in, step.batch().outputGroups());
        } else {
            partial.shrink(step, call, in, tiles);
        }
        KernelLaunch kernel = kernels.expandLogits;
        call.write(kernel.argument(1), step, scratch);
        long blocks = (long) tiles * Math.ceilDiv(layer.out(), PartialProjections.WINDOW);
        kernel.grid(Math.clamp(blocks, 1, PartialProjections.MOST_BLOCKS), 1, 1)
                .block(PartialProjections.EXPAND_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(2, out.data().address())
                .launch(stream.handle());
    }

    @Override
    public void close() {
        fused.close();
        calls.close();
    }
}
