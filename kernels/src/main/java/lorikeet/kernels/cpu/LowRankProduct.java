package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.TileKernels.SUM_BYTES;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.floats;
import static lorikeet.kernels.cpu.Vectors.store;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Delta.LowRank;
import lorikeet.kernels.Linear;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * The adapters' part of a projection, for all groups of rows and all layers at once. {@link #shrink} computes
 * {@code h = x Aᵀ} for all of them in one parallel run; {@link #expand} adds {@code scaling * h Bᵀ} to a block of outputs
 * while the worker that computed them still has them in its cache. Each adapter is used at its own rank.
 */
final class LowRankProduct implements AutoCloseable {
    /** Most rows of A in one task: whole blocks of h, so that no two tasks write to one. */
    private static final int TASK_RANKS = WeightRows.BLOCK;

    /** Most inputs in one task: whole tiles. */
    private static final int TASK_INPUTS = 64;

    private final WorkerPool pool;
    private final WorkerMemory[] memories;
    private final ProductInput input;
    private final Scratch shrunk = new Scratch();
    private final WorkerPool.Task shrinkTask = this::shrinkTask;

    private int groups;
    private int parts;
    private MemorySegment hidden = MemorySegment.NULL;

    // By group and layer, group * parts + part.
    private @Nullable LowRank[] deltas = {};
    private long[] hiddenAt = {};

    // By group: its inputs among those at hand.
    private int[] starts = {};
    private int[] ends = {};

    // By task.
    private int tasks;
    private int[] taskDelta = {};
    private int[] taskRank = {};
    private int[] taskInput = {};

    LowRankProduct(WorkerPool pool, WorkerMemory[] memories, ProductInput input) {
        this.pool = pool;
        this.memories = memories;
        this.input = input;
    }

    /** Finds the changes that the groups make to the layers, for rows {@code first} to {@code last} of all rows. */
    void plan(List<Linear> layers, RowGroups rows, int first, int last) {
        groups = rows.count();
        parts = layers.size();
        tasks = 0;
        reserve(groups, groups * parts);
        long bytes = 0;
        for (int g = 0; g < groups; g++) {
            starts[g] = Math.max(rows.start(g), first) - first;
            ends[g] = Math.min(rows.end(g), last) - first;
            for (int p = 0; p < parts; p++) {
                int index = g * parts + p;
                deltas[index] = starts[g] < ends[g]
                        ? lowRank(rows.delta(g, layers.get(p).slot()), layers.get(p))
                        : null;
                LowRank delta = deltas[index];
                if (delta != null) {
                    input.want(delta.a());
                    hiddenAt[index] = bytes;
                    bytes += (ends[g] - starts[g]) * hiddenRowBytes(delta);
                    addTasks(index, delta.rank(), starts[g], ends[g]);
                }
            }
        }
        hidden = shrunk.atLeast(bytes);
    }

    private static @Nullable LowRank lowRank(@Nullable Delta delta, Linear layer) {
        if (delta == null) {
            return null;
        }
        Delta change = delta instanceof Delta.Rebased rebased ? rebased.change() : delta;
        if (!(change instanceof LowRank lowRank)) {
            throw new IllegalArgumentException("a " + delta.getClass().getSimpleName()
                    + " of the linear layer with slot " + layer.slot() + "; a LowRank is accepted");
        }
        if (lowRank.a().cols() != layer.in() || lowRank.b().rows() != layer.out()) {
            throw new IllegalArgumentException("a low-rank change from "
                    + lowRank.a().cols() + " to "
                    + lowRank.b().rows() + " of the layer with slot " + layer.slot() + " from " + layer.in() + " to "
                    + layer.out());
        }
        return lowRank;
    }

    private static long hiddenRowBytes(LowRank delta) {
        return (long) WeightRows.blocks(delta.rank()) * SUM_BYTES;
    }

    private void addTasks(int index, int rank, int start, int end) {
        // Tasks begin at whole tiles, whatever their width.
        for (int input = start; input < end; input = (input / TASK_INPUTS + 1) * TASK_INPUTS) {
            for (int r = 0; r < rank; r += TASK_RANKS) {
                if (tasks == taskDelta.length) {
                    int size = Math.max(64, 2 * tasks);
                    taskDelta = Arrays.copyOf(taskDelta, size);
                    taskRank = Arrays.copyOf(taskRank, size);
                    taskInput = Arrays.copyOf(taskInput, size);
                }
                taskDelta[tasks] = index;
                taskRank[tasks] = r;
                taskInput[tasks] = input;
                tasks++;
            }
        }
    }

    private void reserve(int groups, int pairs) {
        if (starts.length < groups) {
            starts = new int[2 * groups];
            ends = new int[2 * groups];
        }
        if (deltas.length < pairs) {
            deltas = new LowRank[2 * pairs];
            hiddenAt = new long[2 * pairs];
        }
    }

    /** Computes {@code x Aᵀ} of all groups and layers; the inputs must have been filled. */
    void shrink() {
        pool.run(tasks, shrinkTask);
    }

    private void shrinkTask(int task, int worker) {
        int index = taskDelta[task];
        LowRank delta = deltas[index];
        if (delta == null) {
            throw new IllegalStateException("a task for a layer without change");
        }
        int group = index / parts;
        int first = taskInput[task];
        int last = Math.min(ends[group], (first / TASK_INPUTS + 1) * TASK_INPUTS);
        int from = taskRank[task];
        int to = Math.min(delta.rank(), from + TASK_RANKS);
        WorkerMemory memory = memories[worker];
        int rowBytes = TASK_RANKS * Float.BYTES;
        MemorySegment values = memory.values.atLeast((long) (last - first) * rowBytes);
        memory.valueRows.set(values, rowBytes, first);
        RowBlock.multiply(delta.a(), from, to, input, first, last, memory, memory.valueRows, 0);
        boolean split = WeightRows.split(delta.b().type());
        long half = hiddenRowBytes(delta) / 2;
        for (int t = first; t < last; t++) {
            long hiddenRow = hiddenAt[index] + (t - starts[group]) * hiddenRowBytes(delta);
            long block = hiddenRow + (long) (from / TASK_RANKS) * BYTES;
            InputTiles.fill(values, memory.valueRows.at(t), to - from, split, hidden, block, half, BYTES);
        }
    }

    /**
     * Adds to the outputs {@code from} to {@code to} of layer {@code part} what the adapters change.
     *
     * @param out holds the base model's outputs, without bias
     * @param column the bytes before output {@code from} in each row
     */
    void expand(int part, int from, int to, OutputRows out, long column, WorkerMemory memory) {
        for (int g = 0; g < groups; g++) {
            LowRank delta = deltas[g * parts + part];
            if (delta == null) {
                continue;
            }
            int count = to - from;
            int blocks = WeightRows.blocks(delta.rank());
            MemorySegment panel = memory.panel.atLeast((long) count * blocks * SUM_BYTES);
            MemorySegment sums = memory.sums.atLeast((long) count * SUM_BYTES);
            MemorySegment values = memory.values.atLeast((long) count * Float.BYTES);
            WeightRows.convert(delta.b(), from, to, 1, panel);
            for (int t = starts[g]; t < ends[g]; t++) {
                long row = hiddenAt[g * parts + part] + (t - starts[g]) * hiddenRowBytes(delta);
                dot(panel, count, blocks, hidden, row, sums);
                PartialSums.add(sums, 0, SUM_BYTES, count, values, 0);
                combine(delta, from, count, values, out.memory(), out.at(t) + column);
            }
        }
    }

    /** The partial sums of {@code rows} rows with one input: for the short rows of B, without a call for each. */
    private static void dot(MemorySegment w, int rows, int blocks, MemorySegment x, long xAt, MemorySegment sums) {
        long half = (long) blocks * BYTES;
        for (int row = 0; row < rows; row++) {
            long wAt = 2 * half * row;
            FloatVector first = FloatVector.zero(Vectors.FLOATS);
            FloatVector second = FloatVector.zero(Vectors.FLOATS);
            for (int b = 0; b < blocks; b++) {
                long k = (long) b * BYTES;
                first = floats(w, wAt + k).fma(floats(x, xAt + k), first);
                second = floats(w, wAt + half + k).fma(floats(x, xAt + half + k), second);
            }
            store(first, sums, (long) row * SUM_BYTES);
            store(second, sums, (long) row * SUM_BYTES + BYTES);
        }
    }

    private static void combine(LowRank delta, int from, int count, MemorySegment values, MemorySegment out, long at) {
        Matrix bias = delta.loraBias();
        if (bias != null) {
            for (int i = 0; i < count; i++) {
                long value = (long) i * Float.BYTES;
                values.set(Element.FLOAT, value, values.get(Element.FLOAT, value) + Element.get(bias, 0, from + i));
            }
        }
        scaleAndAdd(values, delta.scaling(), count, out, at);
        Matrix magnitude = delta.magnitude();
        if (magnitude != null) {
            for (int i = 0; i < count; i++) {
                long place = at + (long) i * Float.BYTES;
                out.set(Element.FLOAT, place, out.get(Element.FLOAT, place) * Element.get(magnitude, 0, from + i));
            }
        }
    }

    private static void scaleAndAdd(MemorySegment values, float scaling, int count, MemorySegment out, long at) {
        FloatVector factor = FloatVector.broadcast(Vectors.FLOATS, scaling);
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            long offset = (long) done * Float.BYTES;
            store(floats(values, offset).fma(factor, floats(out, at + offset)), out, at + offset);
        }
        for (; done < count; done++) {
            long offset = (long) done * Float.BYTES;
            float sum = Math.fma(values.get(Element.FLOAT, offset), scaling, out.get(Element.FLOAT, at + offset));
            out.set(Element.FLOAT, at + offset, sum);
        }
    }

    @Override
    public void close() {
        shrunk.close();
    }
}
