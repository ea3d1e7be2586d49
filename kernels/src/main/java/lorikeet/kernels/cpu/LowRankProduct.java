package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.BYTES;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Delta.LowRank;
import lorikeet.kernels.Linear;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * The adapters' part of a projection, for all groups of rows and all layers at once. {@link #shrink} computes
 * {@code h = scaling * x Aᵀ} for all of them in one parallel run; {@link #expand} goes on
 * with the sums of a block of outputs where the base model's product has left them, and adds {@code h Bᵀ}: a row of B is
 * added up together with its row of the weight. Each adapter is used at its own rank.
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
    private final ShrinkTasks lone = new ShrinkTasks();
    private final ShrinkTasks tiled = new ShrinkTasks();
    private final WorkerPool.Task arrangeTask = this::arrangeTask;
    private final WorkerPool.Task tiledTask = this::tiledTask;

    private int groups;
    private int parts;
    private MemorySegment hidden = MemorySegment.NULL;

    // By group and layer, group * parts + part.
    private @Nullable LowRank[] deltas = {};
    private long[] hiddenAt = {};

    // By group: its inputs among those at hand.
    private int[] starts = {};
    private int[] ends = {};

    LowRankProduct(WorkerPool pool, WorkerMemory[] memories, ProductInput input) {
        this.pool = pool;
        this.memories = memories;
        this.input = input;
    }

    /** Finds the changes that the groups make to the layers, for rows {@code first} to {@code last} of all rows. */
    void plan(List<Linear> layers, RowGroups rows, int first, int last) {
        groups = rows.count();
        parts = layers.size();
        lone.clear();
        tiled.clear();
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
                    hiddenAt[index] = bytes;
                    bytes += (ends[g] - starts[g]) * hiddenRowBytes(delta);
                    addTasks(index, delta, starts[g], ends[g]);
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
        return WeightRows.convertedBytes(delta.rank());
    }

    private void addTasks(int index, LowRank delta, int start, int end) {
        ShrinkTasks tasks = end - start == 1 ? lone : tiled;
        if (tasks == tiled) {
            input.want(delta.a());
        }
        // Tasks begin at whole tiles, whatever their width.
        for (int input = start; input < end; input = (input / TASK_INPUTS + 1) * TASK_INPUTS) {
            for (int rank = 0; rank < delta.rank(); rank += TASK_RANKS) {
                tasks.add(index, rank, input);
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

    /**
     * Arranges the inputs in the ways that were asked for, and computes {@code scaling * x Aᵀ} of all groups and layers. A
     * group of one row doesn't wait for that: its tasks arrange the row for themselves.
     */
    void shrink() {
        input.resize();
        pool.run(input.tiles() + lone.count(), arrangeTask);
        pool.run(tiled.count(), tiledTask);
    }

    private void arrangeTask(int index, int worker) {
        int task = index - input.tiles();
        if (task < 0) {
            input.fillTile(index);
            return;
        }
        LowRank delta = delta(lone.delta(task));
        int row = lone.input(task);
        InputTiles tile = input.arrange(row, delta.a(), memories[worker]);
        shrink(lone.delta(task), delta, lone.rank(task), tile, 0, 1, row, memories[worker]);
    }

    private void tiledTask(int task, int worker) {
        int index = tiled.delta(task);
        LowRank delta = delta(index);
        int first = tiled.input(task);
        int last = Math.min(ends[index / parts], (first / TASK_INPUTS + 1) * TASK_INPUTS);
        shrink(index, delta, tiled.rank(task), input.tilesFor(delta.a()), first, last, first, memories[worker]);
    }

    private LowRank delta(int index) {
        LowRank delta = deltas[index];
        if (delta == null) {
            throw new IllegalStateException("a task for a layer without change");
        }
        return delta;
    }

    /** Rows of A from {@code from} on with rows {@code first} to {@code last} of the tiles, the first one input {@code row}. */
    private void shrink(
            int index, LowRank delta, int from, InputTiles tiles, int first, int last, int row, WorkerMemory memory) {
        int to = Math.min(delta.rank(), from + TASK_RANKS);
        int rowBytes = TASK_RANKS * Float.BYTES;
        MemorySegment values = memory.values.atLeast((long) (last - first) * rowBytes);
        memory.valueRows.set(values, rowBytes, first);
        RowBlock.multiply(delta.a(), from, to, tiles, first, last, null, 0, memory, memory.valueRows, 0);
        boolean split = ExpandKernels.split(delta.b(), to - from);
        for (int t = first; t < last; t++) {
            long at = memory.valueRows.at(t);
            for (long end = at + (to - from) * (long) Float.BYTES, v = at; v < end; v += Float.BYTES) {
                values.set(Element.FLOAT, v, values.get(Element.FLOAT, v) * delta.scaling());
            }
            long block = hiddenAt(index, row + t - first) + (long) (from / TASK_RANKS) * 2 * BYTES;
            InputTiles.fill(values, at, to - from, split, hidden, block, BYTES);
        }
    }

    private long hiddenAt(int index, int input) {
        LowRank delta = deltas[index];
        return delta == null ? 0 : hiddenAt[index] + (input - starts[index / parts]) * hiddenRowBytes(delta);
    }

    /**
     * Reads what {@link #expand} will need for the inputs {@code first} to {@code last} into the caches, see
     * {@link ReadAhead}.
     */
    void readAhead(int part, int from, int count, int first, int last, WorkerMemory memory) {
        ReadAhead ahead = memory.ahead;
        for (int group = 0; group < groups && starts[group] < last; group++) {
            LowRank delta = deltas[group * parts + part];
            // A group that began before was read ahead then.
            if (delta != null && starts[group] >= first) {
                Matrix b = delta.b();
                ahead.add(b.data(), from * b.rowBytes(), count * b.rowBytes());
            }
        }
        ahead.finish();
    }

    /**
     * Adds what an adapter changes to the sums of {@code count} outputs from output {@code from} on of layer {@code part}:
     * for the input {@code first}, and those after it up to {@code last} that belong to the same group.
     *
     * @param sums of the first input at {@code at}, of each next one {@code inputStep} elements later
     * @return the input after these
     */
    int expand(
            int part,
            int from,
            int count,
            int first,
            int last,
            float[] sums,
            int at,
            int inputStep,
            WorkerMemory memory) {
        int group = 0;
        while (ends[group] <= first) {
            group++;
        }
        int end = Math.min(last, ends[group]);
        int index = group * parts + part;
        LowRank delta = deltas[index];
        if (delta != null) {
            expand(delta.b(), from, count, hiddenAt(index, first), end - first, sums, at, inputStep, memory);
        }
        return end;
    }

    private void expand(
            Matrix b,
            int from,
            int count,
            long hiddenRow,
            int inputs,
            float[] sums,
            int at,
            int inputStep,
            WorkerMemory memory) {
        MemorySegment w = b.data();
        long wAt = from * b.rowBytes();
        int rank = b.cols();
        boolean bf16 = b.type() == ElementType.BF16 && rank % 2 == 0;
        if (!bf16 && b.type() != ElementType.F32) {
            w = memory.expands.atLeast(count * WeightRows.convertedBytes(rank));
            wAt = 0;
            WeightRows.convert(b, from, from + count, w, 0);
            rank = WeightRows.blocks(rank) * WeightRows.BLOCK;
        }
        for (int i = 0; i < inputs; i++) {
            long h = hiddenRow + i * WeightRows.convertedBytes(rank);
            int sumsAt = at + i * inputStep;
            if (bf16) {
                ExpandKernels.bf16(w, wAt, count, rank, hidden, h, sums, sumsAt);
            } else {
                ExpandKernels.floats(w, wAt, count, rank, hidden, h, sums, sumsAt);
            }
        }
    }

    /**
     * Finishes the outputs {@code from} to {@code to} of layer {@code part}: what adapters have apart from A and B.
     *
     * @param column the bytes before output {@code from} in each row of {@code out}
     */
    void finish(int part, int from, int to, OutputRows out, long column) {
        for (int g = 0; g < groups; g++) {
            LowRank delta = deltas[g * parts + part];
            if (delta != null && (delta.loraBias() != null || delta.magnitude() != null)) {
                for (int t = starts[g]; t < ends[g]; t++) {
                    finish(delta, from, to - from, out.memory(), out.at(t) + column);
                }
            }
        }
    }

    private static void finish(LowRank delta, int from, int count, MemorySegment out, long at) {
        Matrix bias = delta.loraBias();
        Matrix magnitude = delta.magnitude();
        for (int i = 0; i < count; i++) {
            long place = at + (long) i * Float.BYTES;
            float value = out.get(Element.FLOAT, place);
            if (bias != null) {
                value = Math.fma(Element.get(bias, 0, from + i), delta.scaling(), value);
            }
            if (magnitude != null) {
                value *= Element.get(magnitude, 0, from + i);
            }
            out.set(Element.FLOAT, place, value);
        }
    }

    @Override
    public void close() {
        shrunk.close();
    }
}
