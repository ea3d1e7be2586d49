package lorikeet.kernels.cpu;

import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import lorikeet.kernels.Delta;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * The norms of the rows of {@code W + scaling B A}. Needed once for each DoRA module at loading, so it runs on the common
 * pool, beside the threads that serve. Costs a multiply-add for each weight and rank.
 */
final class CpuRowNorms {
    private CpuRowNorms() {}

    static void compute(Matrix weight, Delta.LowRank delta, Matrix out) {
        int rank = delta.rank();
        float[] a = Floats.toArray(delta.a());
        float scaling = delta.scaling();
        IntStream.range(0, weight.rows()).parallel().forEach(row -> {
            float[] sum = Floats.toArray(weight.rows(row, row + 1));
            float[] b = Floats.toArray(delta.b().rows(row, row + 1));
            for (int r = 0; r < rank; r++) {
                addScaled(sum, a, r * sum.length, scaling * b[r]);
            }
            out.data().setAtIndex(ValueLayout.JAVA_FLOAT, row, (float) Math.sqrt(squares(sum)));
        });
    }

    /** Simple enough for the compiler to vectorise. */
    private static void addScaled(float[] sum, float[] from, int start, float factor) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += factor * from[start + i];
        }
    }

    private static double squares(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return sum;
    }
}
