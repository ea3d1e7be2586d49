package lorikeet.kernels.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPlan;

/** One copy of an adapter into device slabs: its matrices in bf16, its magnitudes in float32, and its table last. */
final class AdapterCopies implements Delta.Mapping {
    private final SlabPlan plan;
    private final List<MemorySegment> memory;
    private final List<HostCopies.Move> moves = new ArrayList<>();
    private int next;

    private AdapterCopies(SlabPlan plan, List<MemorySegment> memory) {
        this.plan = plan;
        this.memory = memory;
    }

    /** The tensors' places, in the order in which {@link AdapterWeights#map} meets them, the table behind them. */
    static SlabPlan plan(AdapterWeights source, long slabBytes) {
        List<Long> sizes = new ArrayList<>();
        source.map(new Delta.Mapping() {
            @Override
            public Matrix weight(Matrix matrix) {
                sizes.add(bytes(matrix, ElementType.BF16));
                return matrix;
            }

            @Override
            public Matrix magnitude(Matrix matrix) {
                sizes.add(bytes(matrix, ElementType.F32));
                return matrix;
            }
        });
        sizes.add(AdapterTable.bytes(source));
        return SlabPlan.of(sizes.stream().mapToLong(Long::longValue).toArray(), slabBytes);
    }

    /** The largest rank among an adapter's low-rank changes of layers. */
    static int rank(AdapterWeights weights) {
        int rank = 0;
        for (int slot = 0; slot < weights.slots(); slot++) {
            Delta delta = weights.at(slot);
            Delta low = delta instanceof Delta.Rebased rebased ? rebased.change() : delta;
            if (low instanceof Delta.LowRank change) {
                rank = Math.max(rank, change.rank());
            }
        }
        return rank;
    }

    private static long bytes(Matrix matrix, ElementType type) {
        return (long) matrix.rows() * matrix.cols() * type.bytes();
    }

    /** Copies an adapter and waits until it is there. */
    static AdapterWeights copy(AdapterWeights source, SlabPlan plan, List<MemorySegment> memory, HostCopies copies) {
        AdapterCopies copy = new AdapterCopies(plan, memory);
        AdapterWeights placed = source.map(copy);
        copies.run(copy.moves);
        MemorySegment table = plan.memory(plan.tensors() - 1, memory);
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment host = scratch.allocate(table.byteSize(), Long.BYTES);
            AdapterTable.write(placed, host, table.address());
            copies.run(host, table);
        }
        return placed.withTable(table);
    }

    @Override
    public Matrix weight(Matrix matrix) {
        return move(matrix, ElementType.BF16);
    }

    @Override
    public Matrix magnitude(Matrix matrix) {
        return move(matrix, ElementType.F32);
    }

    private Matrix move(Matrix matrix, ElementType type) {
        MemorySegment to = plan.memory(next++, memory);
        moves.add(new HostCopies.Move(matrix, to, type == ElementType.F32));
        return new Matrix(to, type, matrix.rows(), matrix.cols());
    }
}
