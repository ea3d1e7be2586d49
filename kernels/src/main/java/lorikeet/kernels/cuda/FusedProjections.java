package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Projections of steps of few rows, which the product's own launch finishes: until it is known how,
 * {@link #project} only notes what is to be multiplied. What there is no such kernel for goes the way of other steps.
 */
final class FusedProjections implements StepProjections, AutoCloseable {
    private static final int HALF_OUT = DecodeProducts.OUT / 2;

    /** Times as many tiles as there are blocks, that heads with norms may have: 16,896 components of q and k on an H200. */
    private static final int HEAD_TILES = 2;

    /** ProductEnding of product_adapted.cuh. */
    static final int ROTATE = 0;

    static final int GATE = 1;
    static final int ADD_NORM = 2;

    /** Parameters of that kernel, which those without adapters have fewer of. */
    private static final int ADAPTED_ENDING = 3;

    private static final int ADAPTED_ROTATION = 4;
    private static final int ADAPTED_NORM = 5;
    private static final int ADAPTED_SQUARES = 6;
    private static final int ADAPTED_RESIDUAL = 7;
    private static final int ADAPTED_OUT = 8;

    private final Kernels kernels;
    private final DecodeProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final LoraCalls calls;
    private final PartialProjections partial;

    private final TileSquares squares;
    private final UnfinishedNorm unfinished;
    private final HeadTiles headTiles;

    /** The inputs of {@link #pending}, which wait for whoever finishes it. */
    private @Nullable Matrix input;

    private @Nullable Projected pending;

    FusedProjections(
            CudaContext context,
            Kernels kernels,
            DecodeProducts products,
            CudaStream stream,
            CudaRows rows,
            LoraScratch scratch,
            LoraCalls calls,
            PartialProjections partial) {
        this.kernels = kernels;
        this.products = products;
        this.stream = stream;
        this.scratch = scratch;
        this.calls = calls;
        this.partial = partial;
        squares = new TileSquares(context, stream, DecodeProducts.MOST_ROWS, products.mostBlocks());
        unfinished = new UnfinishedNorm(rows, squares);
        headTiles = new HeadTiles(context, stream, DecodeProducts.MOST_ROWS, HEAD_TILES * products.mostBlocks());
    }

    /** Whether this is the best way for a step's projection. */
    boolean takes(CurrentStep step, Projection projection) {
        return !step.invariant() && products.take(step.tokens(), projection.in()) && products.takeFinish(step);
    }

    /** Rows that are normed but for their factors. */
    UnfinishedNorm unfinished() {
        return unfinished;
    }

    @Override
    public void project(CurrentStep step, Matrix in, Projected out) {
        input = in;
        pending = out;
    }

    /** The inputs of a projection that is to be finished now. */
    @SuppressWarnings("ReferenceEquality") // it is about this very one
    private Matrix inputOf(Projected projected) {
        Matrix in = input;
        if (in == null || pending != projected) {
            throw new IllegalStateException("what is to be finished isn't what was projected last");
        }
        input = null;
        pending = null;
        return in;
    }

    /** Writes what all these kernels take of a projection, and what the one for adapters is to do with it. */
    private void write(KernelLaunch kernel, CurrentStep step, Projection projection, int ending) {
        boolean adapted = step.adapted();
        calls.of(projection).write(kernel.argument(2), step, scratch);
        if (adapted) {
            LoraCall.writeLeft(kernel.argument(2), scratch);
            kernel.set(ADAPTED_ENDING, ending);
        }
    }

    @Override
    public void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape) {
        Matrix in = inputOf(qkv);
        if (!takesRotation(step, norms, shape)) {
            unfinished.settle();
            partial.project(step, in, qkv);
            partial.rotateAndStore(step, qkv, norms, shape);
            return;
        }
        KernelLaunch kernel = kernels.productRotate.of(step);
        boolean adapted = step.adapted();
        write(kernel, step, qkv.projection(), ROTATE);
        Rotation.write(kernel.argument(adapted ? ADAPTED_ROTATION : 3), norms, shape, headTiles.address());
        unfinished.finish(kernel.argument(adapted ? ADAPTED_SQUARES : 4), in);
        kernel.set(adapted ? ADAPTED_OUT : 5, qkv.values().data().address());
        int tiles = (shape.heads() + 2 * shape.kvHeads()) * HeadTiles.ofHead(shape);
        products.prepareToRotate(kernel, step, in, qkv.projection().parts(), tiles)
                .launch(stream.handle());
    }

    private boolean takesRotation(CurrentStep step, HeadNorms norms, AttentionShape shape) {
        boolean normed = norms.query() != null || norms.key() != null;
        return products.takeRotation(step) && (!normed || headTiles.take(shape));
    }

    @Override
    public void gate(CurrentStep step, Projected gateUp, Matrix out) {
        Matrix in = inputOf(gateUp);
        KernelLaunch kernel = kernels.productGate.of(step);
        boolean adapted = step.adapted();
        write(kernel, step, gateUp.projection(), GATE);
        unfinished.finish(kernel.argument(adapted ? ADAPTED_SQUARES : 3), in);
        kernel.set(adapted ? ADAPTED_OUT : 4, out.data().address());
        products.prepareToFinish(kernel, step, in, gateUp.projection().parts(), Math.ceilDiv(out.cols(), HALF_OUT))
                .launch(stream.handle());
    }

    @Override
    public void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out) {
        Matrix in = inputOf(delta);
        unfinished.settle();
        int tiles = Math.ceilDiv(residual.cols(), DecodeProducts.OUT);
        if (tiles > products.mostBlocks()) { // of which each completes one at most
            partial.project(step, in, delta);
            partial.addNorm(step, delta, residual, norm, out);
            return;
        }
        KernelLaunch kernel = kernels.productAddNorm.of(step);
        boolean adapted = step.adapted();
        write(kernel, step, delta.projection(), ADD_NORM);
        NormWeight.write(kernel.argument(adapted ? ADAPTED_NORM : 3), 0, norm);
        unfinished.leave(kernel.argument(adapted ? ADAPTED_SQUARES : 4), step, residual, norm, out);
        kernel.set(adapted ? ADAPTED_RESIDUAL : 5, residual.data().address())
                .set(adapted ? ADAPTED_OUT : 6, out.data().address());
        products.prepareToFinish(kernel, step, in, delta.projection().parts(), tiles)
                .launch(stream.handle());
    }

    @Override
    public void close() {
        squares.close();
        headTiles.close();
    }
}
