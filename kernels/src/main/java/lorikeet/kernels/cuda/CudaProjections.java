package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.List;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.kernels.RowGroups;
import lorikeet.kernels.cuda.Kernels.DecodeConsumers;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Projections, and the kernels that finish them: the adapters' part is shrunk beside the product and expanded by whatever
 * reads the result.
 */
final class CudaProjections implements AutoCloseable {
    private static final int SHRINK_THREADS = 256;
    private static final int SHRINK_BLOCKS = 264;
    private static final int MOST_STAGED_TOKENS = 512;
    static final int EXPAND_THREADS = 128;
    static final int ADD_NORM_THREADS = 256;
    private static final int WINDOW = 256;

    /** Up to so many rows, the kernels that put partial sums together are faster, as long as ranks are small. */
    private static final int FEW_ROWS = 24;

    private static final int SMALL_STRIDE = 16;

    /** Blocks of the kernels for decode steps that fill the device. */
    private static final int DECODE_BLOCKS = 528;

    private static final int ADD_NORM_DECODE_BLOCKS = 256;

    private final Arena arena = Arena.ofShared();
    private final Kernels kernels;
    private final StepProducts products;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final PromptProjections prompts;
    private final boolean clusters;
    private final IdentityHashMap<Projection, LoraCall> calls = new IdentityHashMap<>();
    private final IdentityHashMap<Linear, LoraCall> heads = new IdentityHashMap<>();

    CudaProjections(
            Kernels kernels,
            StepProducts products,
            CudaStream stream,
            LoraScratch scratch,
            PromptProjections prompts,
            boolean clusters) {
        this.kernels = kernels;
        this.products = products;
        this.stream = stream;
        this.scratch = scratch;
        this.prompts = prompts;
        this.clusters = clusters;
    }

    private LoraCall call(Projection projection) {
        LoraCall call = calls.get(projection);
        if (call == null) {
            call = new LoraCall(arena, projection.parts(), false);
            calls.put(projection, call);
        }
        return call;
    }

    /** The kernels that finish a projection of a step whose shrunk inputs are whole, or null if its partial sums are read. */
    private @Nullable DecodeConsumers consumers(CurrentStep step, LoraCall call) {
        boolean many = step.tokens() > FEW_ROWS || scratch.stride() > SMALL_STRIDE;
        return step.adapted() && many && products.leavesWhole(step, call.in()) ? kernels.decodeConsumers : null;
    }

    private static int grid(long blocks, int most) {
        return Math.clamp(blocks, 1, most);
    }

    void project(CurrentStep step, Matrix in, Projected out) {
        Projection projection = out.projection();
        boolean whole = step.adapted() && consumers(step, call(projection)) != null;
        KernelLaunch shrinking = step.adapted() ? products.shrinking(step, in, whole) : null;
        if (shrinking != null) {
            LoraCall call = call(projection);
            call.write(shrinking.argument(2), step, scratch, whole);
            long units =
                    16L * step.tiles() * call.parts() * Math.min(scratch.stride() / 16, LoraScratch.MOST_RANK_SHARES);
            products.tokensAndShrink(step, whole, in, projection.parts(), out.values(), grid(units, SHRINK_BLOCKS));
            return;
        }
        if (step.adapted()) {
            shrink(step, call(projection), in, step.batch().tokenGroups(), step.tiles());
        }
        products.tokens(step, in, projection.parts(), out.values());
    }

    /** tiles: as many of the groups as there may be. */
    private void shrink(CurrentStep step, LoraCall call, Matrix in, RowGroups groups, int tiles) {
        if (step.prompt()) {
            prompts.shrink(step, call, in, groups);
            return;
        }
        KernelLaunch kernel = kernels.shrink;
        call.write(kernel.argument(1), step, scratch, false);
        kernel.grid(grid(16L * tiles * call.parts(), SHRINK_BLOCKS), 1, 1)
                .block(SHRINK_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(2, in.data().address())
                .launch(stream.handle());
    }

    void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape) {
        if (step.prompt() && PromptProjections.takesRotation(norms, shape)) {
            rotation(kernels.rotatePrompt.argument(2), norms, shape);
            prompts.rotateAndStore(step, call(qkv.projection()), qkv.values(), shape);
            return;
        }
        LoraCall call = call(qkv.projection());
        DecodeConsumers decode = consumers(step, call);
        KernelLaunch kernel;
        if (decode != null) {
            kernel = decode.rotate();
            call.write(kernel.argument(1), step, scratch, true);
            long heads = shape.heads() + 2L * shape.kvHeads();
            kernel.grid(grid(step.tiles() * heads, DECODE_BLOCKS), 1, 1)
                    .block(EXPAND_THREADS, 1, 1, DecodeConsumers.sharedBytes(EXPAND_THREADS));
        } else {
            kernel = kernels.rotateAndStore;
            call.write(kernel.argument(1), step, scratch, false);
            int perWindow = Math.max(1, WINDOW / shape.headSize());
            long windows = Math.ceilDiv(shape.heads() + 2 * shape.kvHeads(), perWindow);
            kernel.grid(grid(groups(step) * windows, 1056), 1, 1).block(EXPAND_THREADS, 1, 1, 0);
        }
        rotation(kernel.argument(2), norms, shape);
        kernel.set(0, step.address()).set(3, qkv.values().data().address()).launch(stream.handle());
    }

    /** Writes a struct {@code Rotation}. */
    private static void rotation(MemorySegment to, HeadNorms norms, AttentionShape shape) {
        to.set(JAVA_INT, 0, shape.layer());
        to.set(JAVA_INT, 4, shape.heads());
        to.set(JAVA_INT, 8, shape.kvHeads());
        to.set(JAVA_INT, 12, shape.headSize());
        norm(to, 16, norms.query());
        norm(to, 32, norms.key());
    }

    /** Writes a struct {@code NormWeight}. */
    private static void norm(MemorySegment to, long at, @Nullable Norm norm) {
        to.set(JAVA_LONG, at, norm == null ? 0 : norm.weight().data().address());
        to.set(JAVA_INT, at + 8, norm == null ? 0 : norm.slot());
        to.set(JAVA_FLOAT, at + 12, norm == null ? 0 : norm.epsilon());
    }

    /** Tiles that are taken together. */
    private static long groups(CurrentStep step) {
        return Math.ceilDiv(step.tiles(), LoraCall.run(step.prompt()));
    }

    void gate(CurrentStep step, Projected gateUp, Matrix out) {
        if (step.prompt() && PromptProjections.takesGate(out)) {
            prompts.gate(step, call(gateUp.projection()), gateUp.values(), out);
            return;
        }
        LoraCall call = call(gateUp.projection());
        DecodeConsumers decode = consumers(step, call);
        long windows = Math.ceilDiv(out.cols(), WINDOW);
        KernelLaunch kernel;
        if (decode != null) {
            kernel = decode.gate();
            call.write(kernel.argument(1), step, scratch, true);
            kernel.grid(grid(step.tiles() * windows, DECODE_BLOCKS), 1, 1)
                    .block(EXPAND_THREADS, 1, 1, DecodeConsumers.sharedBytes(EXPAND_THREADS));
        } else {
            boolean staged = isGateStaged(step);
            kernel = staged ? kernels.gateStaged : kernels.gate;
            call.write(kernel.argument(1), step, scratch, false);
            int blocks = staged ? grid(step.tiles() * windows, 528) : grid(groups(step) * windows, 1056);
            kernel.grid(blocks, 1, 1).block(EXPAND_THREADS, 1, 1, 0);
        }
        kernel.set(0, step.address())
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

    void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out) {
        if (step.prompt() && prompts.takesAddNorm(step, residual)) {
            norm(kernels.addNormPrompt.argument(2), 0, norm);
            prompts.addNorm(step, call(delta.projection()), delta.values(), residual, out);
            return;
        }
        LoraCall call = call(delta.projection());
        DecodeConsumers decode = consumers(step, call);
        KernelLaunch kernel = decode != null ? decode.addNorm() : kernels.addNorm;
        call.write(kernel.argument(1), step, scratch, decode != null);
        norm(kernel.argument(2), 0, norm);
        int cluster = clusters ? PromptProjections.addNormCluster(residual.cols()) : 1;
        if (clusters) {
            kernel.cluster(cluster);
        }
        if (decode != null) {
            kernel.grid(grid(step.tiles(), ADD_NORM_DECODE_BLOCKS / cluster) * cluster, 1, 1)
                    .block(ADD_NORM_THREADS, 1, 1, DecodeConsumers.sharedBytes(ADD_NORM_THREADS));
        } else {
            kernel.grid(grid(groups(step), 264) * cluster, 1, 1).block(ADD_NORM_THREADS, 1, 1, 0);
        }
        kernel.set(0, step.address())
                .set(3, delta.values().data().address())
                .set(4, residual.data().address())
                .set(5, out.data().address())
                .launch(stream.handle());
    }

    /** The base model's logits. */
    void headProduct(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        products.outputs(step, in, layer, out);
    }

    /** Adds the low-rank changes of the head to the logits. */
    void expandHead(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        LoraCall call = heads.get(layer);
        if (call == null) {
            call = new LoraCall(arena, List.of(layer), true);
            heads.put(layer, call);
        }
        int tiles = step.outputTiles();
        shrink(step, call, in, step.batch().outputGroups(), tiles);
        KernelLaunch kernel = kernels.expandLogits;
        call.write(kernel.argument(1), step, scratch, false);
        kernel.grid(grid((long) tiles * Math.ceilDiv(layer.out(), WINDOW), 1056), 1, 1)
                .block(EXPAND_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(2, out.data().address())
                .launch(stream.handle());
    }

    @Override
    public void close() {
        arena.close();
    }
}
