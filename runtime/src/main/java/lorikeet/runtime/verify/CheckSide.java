package lorikeet.runtime.verify;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabLease;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.model.LayerPart;
import lorikeet.runtime.model.Slots;
import org.jspecify.annotations.Nullable;

/** A random model on one device, whose steps are run operation by operation and looked at after each. */
final class CheckSide implements AutoCloseable {
    private static final float EPSILON = 1e-5f;
    private static final long POOL_BYTES = 512L << 20;

    private final CheckShape shape;
    private final Operations operations;
    private final Slots slots;
    private final KvLayout layout;
    private final SlabPool pool;
    private final Matrix embedding;
    private final Linear head;
    private final Norm finalNorm;
    private final List<Layer> layers = new ArrayList<>();
    private final Matrix hidden;
    private final Matrix normed;
    private final Matrix attended;
    private final Matrix gated;
    private final Matrix outputs;
    private final Matrix logits;

    private record Layer(
            Norm inputNorm,
            Projected queryKeyValue,
            HeadNorms headNorms,
            AttentionShape attention,
            Projected output,
            Norm mlpNorm,
            Projected gateUp,
            Projected down) {}

    /** What an operation left behind: the first {@code rows} rows of a matrix, up to a column. */
    record Left(String operation, Matrix matrix, int rows, int cols) {}

    CheckSide(CheckShape shape, CheckWeights weights, Operations operations, int mostTokens) {
        this.shape = shape;
        this.operations = operations;
        this.slots = weights.slots();
        layout = new KvLayout(shape.layers(), shape.kvHeads(), shape.headSize(), operations.kvType());
        pool = operations.slabPool(slabBytes(layout), (int) (POOL_BYTES / slabBytes(layout)));
        embedding = place(weights.embedding);
        head = new Linear(place(weights.head), null, slots.head());
        finalNorm = new Norm(place(weights.finalNorm), EPSILON, slots.finalNorm());
        ElementType type = operations.activationType();
        hidden = operations.allocate(operations.residualType(), mostTokens, shape.hidden());
        normed = operations.allocate(type, mostTokens, shape.hidden());
        attended = operations.allocate(type, mostTokens, shape.queries());
        gated = operations.allocate(type, mostTokens, shape.inner());
        outputs = operations.allocate(type, mostTokens, shape.hidden());
        logits = operations.allocate(ElementType.F32, mostTokens, shape.vocabulary());
        Matrix queryKeyValue = operations.allocate(type, mostTokens, shape.queries() + 2 * shape.keys());
        Matrix delta = operations.allocate(type, mostTokens, shape.hidden());
        Matrix gateUp = operations.allocate(type, mostTokens, 2 * shape.inner());
        for (int i = 0; i < shape.layers(); i++) {
            layers.add(layer(i, weights.layers.get(i), queryKeyValue, delta, gateUp));
        }
    }

    private static long slabBytes(KvLayout layout) {
        return Math.ceilDiv(layout.blockBytes(), SlabPlan.ALIGNMENT) * SlabPlan.ALIGNMENT;
    }

    private Matrix place(Matrix weight) {
        return operations.place(List.of(weight)).getFirst();
    }

    private Layer layer(int i, CheckWeights.Layer layer, Matrix queryKeyValue, Matrix delta, Matrix gateUp) {
        return new Layer(
                norm(i, LayerPart.INPUT_NORM, layer.inputNorm()),
                new Projected(
                        projection(
                                i,
                                layer.queryKeyValue(),
                                layer.queryKeyValueBias(),
                                LayerPart.QUERY,
                                LayerPart.KEY,
                                LayerPart.VALUE),
                        queryKeyValue),
                shape.headNorms()
                        ? new HeadNorms(
                                norm(i, LayerPart.QUERY_NORM, layer.headNorms().get(0)),
                                norm(i, LayerPart.KEY_NORM, layer.headNorms().get(1)))
                        : HeadNorms.NONE,
                new AttentionShape(
                        i,
                        shape.heads(),
                        shape.kvHeads(),
                        shape.headSize(),
                        (float) (1 / Math.sqrt(shape.headSize())),
                        shape.window()),
                new Projected(projection(i, List.of(layer.output()), List.of(), LayerPart.OUTPUT), delta),
                norm(i, LayerPart.MLP_NORM, layer.mlpNorm()),
                new Projected(projection(i, layer.gateUp(), List.of(), LayerPart.GATE, LayerPart.UP), gateUp),
                new Projected(projection(i, List.of(layer.down()), List.of(), LayerPart.DOWN), delta));
    }

    private Norm norm(int layer, LayerPart part, Matrix weight) {
        return new Norm(place(weight), EPSILON, slots.of(layer, part));
    }

    private Projection projection(int layer, List<Matrix> weights, List<Matrix> biases, LayerPart... parts) {
        List<Matrix> placed = operations.place(weights);
        List<Linear> linears = new ArrayList<>();
        for (int i = 0; i < parts.length; i++) {
            @Nullable Matrix bias = biases.isEmpty() ? null : place(biases.get(i));
            linears.add(new Linear(placed.get(i), bias, slots.of(layer, parts[i])));
        }
        return new Projection(linears);
    }

    /** The adapter in this device's slabs. */
    AdapterWeights copyIn(AdapterWeights adapter) {
        SlabPlan plan = operations.plan(adapter, pool.slabBytes());
        SlabLease lease = pool.lease(plan).orElseThrow();
        return operations.copyIn(adapter, plan, lease.memory());
    }

    /** Lends KV blocks. */
    int[] blocks(int count) {
        int[] blocks = new int[count];
        for (int i = 0; i < count; i++) {
            blocks[i] = pool.acquire();
        }
        return blocks;
    }

    /** Receives what each operation leaves behind, before the next one runs. */
    interface Observer {
        void see(Left left);
    }

    /**
     * Runs a step.
     *
     * @param observer sees what is left at the end; and before that, unless this is a step that the device may record,
     *     what every operation leaves
     */
    void run(Batch batch, Observer observer) {
        int tokens = batch.tokens();
        boolean decode = tokens == batch.sequences() && tokens == batch.outputs();
        KvCache cache = new KvCache() {
            @Override
            public KvLayout layout() {
                return layout;
            }

            @Override
            public MemorySegment block(int index) {
                return pool.memory(index);
            }
        };
        if (operations.begin(batch, cache)) {
            calls(tokens, decode ? left -> {} : observer);
        }
        observer.see(new Left("hidden", hidden, tokens, shape.hidden()));
        observer.see(new Left("logits", logits, batch.outputs(), shape.vocabulary()));
    }

    private void calls(int tokens, Observer observer) {
        operations.embed(embedding, slots.embedding(), hidden);
        observer.see(new Left("embed", hidden, tokens, shape.hidden()));
        operations.norm(hidden, layers.getFirst().inputNorm(), normed);
        observer.see(new Left("norm", normed, tokens, shape.hidden()));
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            operations.project(normed, layer.queryKeyValue());
            operations.rotateAndStore(layer.queryKeyValue(), layer.headNorms(), layer.attention());
            observer.see(new Left("rotateAndStore " + i, layer.queryKeyValue().values(), tokens, shape.queries()));
            operations.attend(layer.queryKeyValue(), layer.attention(), attended);
            observer.see(new Left("attend " + i, attended, tokens, shape.queries()));
            operations.project(attended, layer.output());
            operations.addNorm(layer.output(), hidden, layer.mlpNorm(), normed);
            observer.see(new Left("addNorm " + i + " sum", hidden, tokens, shape.hidden()));
            observer.see(new Left("addNorm " + i, normed, tokens, shape.hidden()));
            operations.project(normed, layer.gateUp());
            operations.gate(layer.gateUp(), gated);
            observer.see(new Left("gate " + i, gated, tokens, shape.inner()));
            operations.project(gated, layer.down());
            Norm next = i + 1 < layers.size() ? layers.get(i + 1).inputNorm() : finalNorm;
            operations.addNorm(layer.down(), hidden, next, normed);
            observer.see(new Left("addNorm " + i + " last sum", hidden, tokens, shape.hidden()));
            observer.see(new Left("addNorm " + i + " last", normed, tokens, shape.hidden()));
        }
        operations.gatherOutputs(normed, outputs);
        operations.logits(outputs, head, logits);
        operations.end();
    }

    /** The logits of the last step's first rows. */
    Left logits(int rows) {
        return new Left("logits", logits, rows, shape.vocabulary());
    }

    float[] read(Left left, int row) {
        float[] values = new float[left.matrix().cols()];
        operations.read(left.matrix(), row, values);
        return values;
    }

    /** Puts other rows in the place of those that an operation left, as floats: not on a device. */
    void write(Left left, List<float[]> rows) {
        for (int row = 0; row < left.rows(); row++) {
            MemorySegment.copy(
                    rows.get(row),
                    0,
                    left.matrix().rows(row, row + 1).data(),
                    ValueLayout.JAVA_FLOAT_UNALIGNED,
                    0,
                    left.cols());
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
