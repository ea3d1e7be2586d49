package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPlan;

/** One copy of an adapter into slabs of ordinary memory, each matrix in the type it is stored in. */
final class AdapterCopy implements Delta.Mapping {
    private final SlabPlan plan;
    private final List<MemorySegment> memory;
    private int next;

    AdapterCopy(SlabPlan plan, List<MemorySegment> memory) {
        this.plan = plan;
        this.memory = memory;
    }

    /** The matrices' places, in the order in which {@link AdapterWeights#map} meets them. */
    static SlabPlan plan(AdapterWeights source, long slabBytes) {
        List<Matrix> matrices = new ArrayList<>();
        source.map(new Delta.Mapping() {
            @Override
            public Matrix weight(Matrix matrix) {
                matrices.add(matrix);
                return matrix;
            }

            @Override
            public Matrix magnitude(Matrix matrix) {
                return weight(matrix);
            }
        });
        return SlabPlan.of(
                matrices.stream().mapToLong(matrix -> matrix.data().byteSize()).toArray(), slabBytes);
    }

    AdapterWeights copy(AdapterWeights source) {
        return source.map(this);
    }

    @Override
    public Matrix weight(Matrix matrix) {
        MemorySegment to = plan.memory(next++, memory);
        to.copyFrom(matrix.data());
        return new Matrix(to, matrix.type(), matrix.rows(), matrix.cols());
    }

    @Override
    public Matrix magnitude(Matrix matrix) {
        return weight(matrix);
    }
}
