package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
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

    /** The parameter {@code ending} of the kernels. */
    private static final int ENDING = 3;

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

    /** Writes what all these kernels take of a projection. */
    private void write(KernelLaunch kernel, CurrentStep step, Projection projection) {
        calls.of(projection).write(kernel.argument(2), step, scratch);
        if (step.adapted()) {
            LoraCall.writeLeft(kernel.argument(2), scratch);
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
        MemorySegment ending = kernel.argument(ENDING);
        write(kernel, step, qkv.projection());
        ProductEnding.write(ending, ProductEnding.ROTATE, qkv.values());
        Rotation.write(ending, ProductEnding.ROTATION, norms, shape, headTiles.address());
        unfinished.finish(ending, ProductEnding.SQUARES, in);
        int tiles = (shape.heads() + 2 * shape.kvHeads()) * HeadTiles.ofHead(shape);
        products.prepareToRotate(kernel, step, in, qkv.projection().parts(), tiles)
                .launch(stream.handle());
    }

    /** Whether a block has the shared memory, and tiles of heads with norms their places. */
    private boolean takesRotation(CurrentStep step, HeadNorms norms, AttentionShape shape) {
        boolean normed = norms.query() != null || norms.key() != null;
        return products.takeRotation(step) && (!normed || headTiles.take(shape));
    }

    @Override
    public void gate(CurrentStep step, Projected gateUp, Matrix out) {
        Matrix in = inputOf(gateUp);
        KernelLaunch kernel = kernels.productGate.of(step);
        MemorySegment ending = kernel.argument(ENDING);
        write(kernel, step, gateUp.projection());
        ProductEnding.write(ending, ProductEnding.GATE, out);
        unfinished.finish(ending, ProductEnding.SQUARES, in);
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
        MemorySegment ending = kernel.argument(ENDING);
        write(kernel, step, delta.projection());
        ProductEnding.write(ending, ProductEnding.ADD_NORM, residual, out);
        NormWeight.write(ending, ProductEnding.NORM, norm);
        unfinished.leave(ending, ProductEnding.SQUARES, step, residual, norm, out);
        products.prepareToFinish(kernel, step, in, delta.projection().parts(), tiles)
                .launch(stream.handle());
    }

    @Override
    public void close() {
        squares.close();
        headTiles.close();
    }
}
