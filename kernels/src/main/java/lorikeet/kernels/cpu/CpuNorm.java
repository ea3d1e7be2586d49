package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import lorikeet.kernels.Norm;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Root mean square norms over rows of activations, with the addition to the residual stream that precedes them. */
final class CpuNorm {
    private final WorkerPool pool;
    private final WorkerArrays rows;
    private final WorkerArrays weights;
    private final WorkerArrays lanes;

    CpuNorm(WorkerPool pool) {
        this.pool = pool;
        rows = new WorkerArrays(pool.size());
        weights = new WorkerArrays(pool.size());
        lanes = new WorkerArrays(pool.size());
    }

    /** {@code out = norm(in)}. */
    void norm(Matrix in, Norm norm, RowGroups groups, Matrix out) {
        start(null, in, norm, groups, out);
    }

    /** {@code residual += delta; out = norm(residual)}. */
    void addNorm(Matrix delta, Matrix residual, Norm norm, RowGroups groups, Matrix out) {
        start(delta, residual, norm, groups, out);
    }

    private void start(@Nullable Matrix delta, Matrix in, Norm norm, RowGroups groups, Matrix out) {
        int perTask = Rows.perTask(in.cols());
        pool.run(Rows.tasks(groups.rows(), in.cols()), (index, worker) -> {
            int from = index * perTask;
            int to = Math.min(from + perTask, groups.rows());
            for (int g = Rows.groupOf(groups, from); from < to; g++) {
                int end = Math.min(to, groups.end(g));
                float[] weight = weights.of(worker, in.cols());
                StoredFloats.readRow(NormWeight.of(norm, groups, g), 0, weight);
                normRows(delta, in, from, end, weight, norm.epsilon(), out, worker);
                from = end;
            }
        });
    }

    private void normRows(
            @Nullable Matrix delta,
            Matrix in,
            int from,
            int to,
            float[] weight,
            float epsilon,
            Matrix out,
            int worker) {
        int size = in.cols();
        float[] row = rows.of(worker, size);
        for (int r = from; r < to; r++) {
            long at = r * in.rowBytes();
            MemorySegment.copy(in.data(), JAVA_FLOAT, at, row, 0, size);
            if (delta != null) {
                add(delta.data(), at, row, size);
                MemorySegment.copy(row, 0, in.data(), JAVA_FLOAT, at, size);
            }
            RmsNorm.apply(row, 0, size, weight, epsilon, lanes.of(worker, Lanes.COUNT));
            MemorySegment.copy(row, 0, out.data(), JAVA_FLOAT, at, size);
        }
    }

    private static void add(MemorySegment delta, long at, float[] row, int size) {
        int i = 0;
        for (; i <= size - Lanes.COUNT; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, row, i)
                    .add(FloatVector.fromMemorySegment(Lanes.FLOATS, delta, at + 4L * i, Lanes.ORDER))
                    .intoArray(row, i);
        }
        for (; i < size; i++) {
            row[i] += delta.get(JAVA_FLOAT, at + 4L * i);
        }
    }
}
