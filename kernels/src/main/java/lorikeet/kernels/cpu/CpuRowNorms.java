package lorikeet.kernels.cpu;

import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import lorikeet.kernels.Delta;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * The norms of the rows of {@code W + scaling B A}. Needed once for each DoRA module at loading, so it runs on the common
 * pool, beside the threads that serve. Costs a multiply-add for each weight and rank.
 */
final class CpuRowNorms {
    private static final int TASK_ROWS = 64;

    private CpuRowNorms() {}

    static void compute(Matrix weight, Delta.LowRank delta, Matrix out) {
        float[] a = Floats.toArray(delta.a());
        int tasks = (weight.rows() + TASK_ROWS - 1) / TASK_ROWS;
        IntStream.range(0, tasks).parallel().forEach(task -> {
            int from = task * TASK_ROWS;
            norms(weight, delta, a, from, Math.min(from + TASK_ROWS, weight.rows()), out);
        });
    }

    private static void norms(Matrix weight, Delta.LowRank delta, float[] a, int from, int to, Matrix out) {
        int rank = delta.rank();
        int cols = weight.cols();
        float[] b = Floats.toArray(delta.b().rows(from, to));
        ChangedRows rows = new ChangedRows(weight, a, rank);
        for (int row = from; row < to; row += ChangedRows.MOST) {
            int count = Math.min(ChangedRows.MOST, to - row);
            for (int i = 0; i < count; i++) {
                for (int r = 0; r < rank; r++) {
                    rows.factor(i, r, delta.scaling() * b[(row - from + i) * rank + r]);
                }
            }
            float[] changed = rows.compute(row, count);
            for (int i = 0; i < count; i++) {
                float norm = (float) Math.sqrt(squares(changed, i * cols, cols));
                out.data().setAtIndex(ValueLayout.JAVA_FLOAT, row + i, norm);
            }
        }
    }

    private static double squares(float[] values, int from, int count) {
        FloatVector sums = FloatVector.zero(Vectors.FLOATS);
        int vectors = count - count % Vectors.LANES;
        for (int i = 0; i < vectors; i += Vectors.LANES) {
            FloatVector some = FloatVector.fromArray(Vectors.FLOATS, values, from + i);
            sums = some.fma(some, sums);
        }
        double sum = 0;
        for (int lane = 0; lane < Vectors.LANES; lane++) {
            sum += sums.lane(lane);
        }
        for (int i = vectors; i < count; i++) {
            sum += (double) values[from + i] * values[from + i];
        }
        return sum;
    }
}
