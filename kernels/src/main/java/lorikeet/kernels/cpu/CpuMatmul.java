package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Projected;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * Matrix products with the base model's weights and the adapters' changes of them, on all threads of a pool.
 *
 * <p>An output depends on its own input row, its row of the weight and its adapter alone: not on the other rows of the
 * batch, their order, the number of threads, nor on whether the code is compiled yet. Sums are float32.
 *
 * <p>Weights are read where they lie, 16-bit types widened on the way, once for all rows of a step (once for every
 * {@value #MOST_ROWS} rows of a long prompt).
 *
 * <p>Used by one thread at a time. Closing frees the scratch memory; the pool belongs to the caller.
 */
public final class CpuMatmul implements AutoCloseable {
    /** Most rows at a time: bounds the scratch memory, and the inputs stay in the last-level cache. */
    private static final int MOST_ROWS = 512;

    /** Bytes of a weight in one task: a long sequential read, yet enough tasks to share out. */
    private static final int TASK_BYTES = 1 << 20;

    /** Bytes of a weight that stay in the second-level cache while the inputs pass by. */
    private static final int BLOCK_BYTES = 256 << 10;

    /** So many tasks for each worker at least, where the layer is large enough. */
    private static final int TASKS_PER_WORKER = 4;

    private final WorkerPool pool;
    private final WorkerMemory[] memories;
    private final ProductInput input;
    private final LowRankProduct lowRank;
    private final OutputRows output = new OutputRows();
    private final WorkerPool.Task task = this::rowBlockTask;
    private final RowGroups oneGroup = new RowGroups();
    private final RowGroups remaining = new RowGroups();
    private final Scratch tokenLogits = new Scratch();
    private int[] consecutive = {};
    private int[] selected = {};

    // The product under way.
    private List<Linear> layers = List.of();
    private int rows;
    private int[] taskRows = {};
    private int[] taskEnds = {};

    /** Uses these threads. */
    public CpuMatmul(WorkerPool pool) {
        this.pool = pool;
        memories = new WorkerMemory[pool.size()];
        Arrays.setAll(memories, i -> new WorkerMemory());
        input = new ProductInput();
        lowRank = new LowRankProduct(pool, memories, input);
    }

    /**
     * {@code out = in Wᵀ + bias} for each layer of the projection, with each group's change.
     *
     * @param out as many rows are written as {@code groups} has
     * @param in F32, {@code [>= groups.rows(), in]}
     * @param groups the rows' adapters
     * @throws IllegalArgumentException when sizes or types don't fit, or an adapter's change isn't one of a linear layer
     */
    public void project(Projected out, Matrix in, RowGroups groups) {
        multiply(in, consecutive(groups.rows()), out.projection().parts(), groups, out.values());
    }

    /**
     * The logits of all rows, with each group's change of the head: a low-rank one, another head, or other rows for some
     * tokens.
     *
     * @param in F32, {@code [>= outputGroups.rows(), hidden]}
     * @param out F32, {@code [>= outputGroups.rows(), vocabulary]}
     */
    public void logits(Matrix in, Linear head, Matrix out, RowGroups outputGroups) {
        int count = outputGroups.rows();
        if (selected.length < count) {
            selected = new int[2 * count];
        }
        int kept = 0;
        remaining.clear();
        for (int g = 0; g < outputGroups.count(); g++) {
            Delta delta = outputGroups.delta(g, head.slot());
            if (!(delta instanceof Delta.Replacement) && !(delta instanceof Delta.Rebased)) {
                for (int row = outputGroups.start(g); row < outputGroups.end(g); row++) {
                    selected[kept++] = row;
                }
                int size = outputGroups.end(g) - outputGroups.start(g);
                remaining.add(delta instanceof Delta.TokenRows ? null : outputGroups.adapter(g), size);
            }
        }
        multiply(in, selected, List.of(head), remaining, out);
        for (int g = 0; g < outputGroups.count(); g++) {
            Delta delta = outputGroups.delta(g, head.slot());
            int start = outputGroups.start(g);
            int end = outputGroups.end(g);
            if (delta instanceof Delta.Replacement replacement) {
                Linear other = new Linear(replacement.weight(), head.bias(), head.slot());
                multiplyAll(in.rows(start, end), other, out.rows(start, end));
            } else if (delta instanceof Delta.Rebased rebased) {
                Linear other = new Linear(rebased.weight(), head.bias(), head.slot());
                oneGroup.clear();
                oneGroup.add(outputGroups.adapter(g), end - start);
                multiply(in.rows(start, end), consecutive(end - start), List.of(other), oneGroup, out.rows(start, end));
            } else if (delta instanceof Delta.TokenRows tokenRows) {
                replaceTokens(in.rows(start, end), head, tokenRows, out.rows(start, end));
            }
        }
    }

    private void replaceTokens(Matrix in, Linear head, Delta.TokenRows change, Matrix out) {
        int[] tokens = change.tokens();
        Matrix changed = new Matrix(
                tokenLogits
                        .atLeast((long) in.rows() * tokens.length * Float.BYTES)
                        .asSlice(0, (long) in.rows() * tokens.length * Float.BYTES),
                ElementType.F32,
                in.rows(),
                tokens.length);
        multiplyAll(in, new Linear(change.rows(), null, head.slot()), changed);
        Matrix bias = head.bias();
        for (int row = 0; row < in.rows(); row++) {
            for (int i = 0; i < tokens.length; i++) {
                float logit = Element.get(changed, row, i);
                float value = bias == null ? logit : logit + Element.get(bias, 0, tokens[i]);
                out.data().set(Element.FLOAT, row * out.rowBytes() + (long) tokens[i] * Float.BYTES, value);
            }
        }
    }

    /** The product of all rows, without adapters. */
    private void multiplyAll(Matrix in, Linear layer, Matrix out) {
        oneGroup.clear();
        oneGroup.add(null, in.rows());
        multiply(in, consecutive(in.rows()), List.of(layer), oneGroup, out);
    }

    private int[] consecutive(int count) {
        if (consecutive.length < count) {
            consecutive = new int[2 * count];
            Arrays.setAll(consecutive, i -> i);
        }
        return consecutive;
    }

    /** The rows {@code rowNumbers} of {@code in}, grouped by {@code groups}, into the same rows of {@code out}. */
    private void multiply(Matrix in, int[] rowNumbers, List<Linear> layers, RowGroups groups, Matrix out) {
        check(in, layers, groups, out);
        this.layers = layers;
        for (int first = 0; first < groups.rows(); first += MOST_ROWS) {
            rows = Math.min(MOST_ROWS, groups.rows() - first);
            input.set(in, rowNumbers, first, rows);
            for (int i = 0; i < layers.size(); i++) {
                input.want(layers.get(i).weight());
            }
            lowRank.plan(layers, groups, first, first + rows);
            lowRank.shrink();
            output.set(out.data(), out.rowBytes(), rowNumbers, first);
            pool.run(planTasks(), task);
        }
        this.layers = List.of();
    }

    private static void check(Matrix in, List<Linear> layers, RowGroups groups, Matrix out) {
        if (in.type() != ElementType.F32 || out.type() != ElementType.F32) {
            throw new IllegalArgumentException(
                    "input of type " + in.type() + ", output of type " + out.type() + "; F32 is accepted");
        }
        int outs = 0;
        for (int i = 0; i < layers.size(); i++) {
            Linear layer = layers.get(i);
            if (!layer.weight().type().isWeight()) {
                throw new IllegalArgumentException(
                        "weights of type " + layer.weight().type() + "; F32, F16 and BF16 are accepted");
            }
            if (layer.in() != in.cols()) {
                throw new IllegalArgumentException("input rows of " + in.cols() + " for a layer from " + layer.in());
            }
            outs += layer.out();
        }
        if (outs != out.cols() || groups.rows() > in.rows() || groups.rows() > out.rows()) {
            throw new IllegalArgumentException(groups.rows() + " rows from " + in.rows() + " x " + in.cols() + " to "
                    + out.rows() + " x " + out.cols() + " through layers with " + outs + " outputs");
        }
    }

    /** Cuts the layers into blocks of rows; returns the number of tasks. */
    private int planTasks() {
        if (taskRows.length < layers.size()) {
            taskRows = new int[layers.size()];
            taskEnds = new int[layers.size()];
        }
        int tasks = 0;
        for (int p = 0; p < layers.size(); p++) {
            Matrix weight = layers.get(p).weight();
            long rowBytes = Math.max(1, weight.rowBytes());
            int share = weight.rows() / (TASKS_PER_WORKER * pool.size());
            int size = (int) Math.min(TASK_BYTES / rowBytes, share) / RowBlock.ROWS * RowBlock.ROWS;
            taskRows[p] = Math.max(RowBlock.ROWS, size);
            tasks += (weight.rows() + taskRows[p] - 1) / taskRows[p];
            taskEnds[p] = tasks;
        }
        return tasks;
    }

    private void rowBlockTask(int index, int worker) {
        int part = 0;
        long column = 0;
        while (index >= taskEnds[part]) {
            column += (long) layers.get(part).out() * Float.BYTES;
            part++;
        }
        Linear layer = layers.get(part);
        int from = (index - (part == 0 ? 0 : taskEnds[part - 1])) * taskRows[part];
        int to = Math.min(layer.out(), from + taskRows[part]);
        column += (long) from * Float.BYTES;
        WorkerMemory memory = memories[worker];
        int most = blockRows(layer.weight());
        InputTiles tiles = input.tilesFor(layer.weight());
        for (int row = from; row < to; row += most) {
            int end = Math.min(to, row + most);
            long at = column + (row - from) * (long) Float.BYTES;
            RowBlock.multiply(layer.weight(), row, end, tiles, 0, rows, lowRank, part, memory, output, at);
        }
        lowRank.finish(part, from, to, output, column);
        Matrix bias = layer.bias();
        if (bias != null) {
            addBias(bias, from, to, column);
        }
    }

    private static int blockRows(Matrix weight) {
        long bytes = WeightRows.isDirect(weight) ? weight.rowBytes() : WeightRows.convertedBytes(weight.cols());
        return (int) Math.max(1, BLOCK_BYTES / Math.max(1, bytes) / RowBlock.ROWS) * RowBlock.ROWS;
    }

    private void addBias(Matrix bias, int from, int to, long column) {
        MemorySegment out = output.memory();
        for (int t = 0; t < rows; t++) {
            long at = output.at(t) + column;
            for (int i = from; i < to; i++, at += Float.BYTES) {
                out.set(Element.FLOAT, at, out.get(Element.FLOAT, at) + Element.get(bias, 0, i));
            }
        }
    }

    @Override
    public void close() {
        input.close();
        lowRank.close();
        tokenLogits.close();
        for (WorkerMemory memory : memories) {
            memory.close();
        }
    }
}
