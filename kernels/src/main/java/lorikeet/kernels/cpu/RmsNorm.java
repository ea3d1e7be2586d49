package lorikeet.kernels.cpu;

import jdk.incubator.vector.FloatVector;

/** The root mean square norm of one row in an array. */
final class RmsNorm {
    private RmsNorm() {}

    /**
     * {@code row = weight ∘ (row / sqrt(mean(row²) + epsilon))}, rounded where Transformers rounds in float32.
     *
     * @param row read and written from {@code at}
     * @param size number of elements
     * @param weight as many elements, from 0
     * @param lanes scratch of {@link Lanes#COUNT} elements
     */
    static void apply(float[] row, int at, int size, float[] weight, float epsilon, float[] lanes) {
        float mean = sumOfSquares(row, at, size, lanes) / size;
        float factor = (float) (1 / Math.sqrt(mean + epsilon));
        int i = 0;
        for (; i <= size - Lanes.COUNT; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, row, at + i)
                    .mul(factor)
                    .mul(FloatVector.fromArray(Lanes.FLOATS, weight, i))
                    .intoArray(row, at + i);
        }
        for (; i < size; i++) {
            row[at + i] = row[at + i] * factor * weight[i];
        }
    }

    private static float sumOfSquares(float[] row, int at, int size, float[] lanes) {
        FloatVector sum0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector sum1 = FloatVector.zero(Lanes.FLOATS);
        FloatVector sum2 = FloatVector.zero(Lanes.FLOATS);
        FloatVector sum3 = FloatVector.zero(Lanes.FLOATS);
        int i = 0;
        for (; i <= size - 4 * Lanes.COUNT; i += 4 * Lanes.COUNT) {
            FloatVector x0 = FloatVector.fromArray(Lanes.FLOATS, row, at + i);
            FloatVector x1 = FloatVector.fromArray(Lanes.FLOATS, row, at + i + Lanes.COUNT);
            FloatVector x2 = FloatVector.fromArray(Lanes.FLOATS, row, at + i + 2 * Lanes.COUNT);
            FloatVector x3 = FloatVector.fromArray(Lanes.FLOATS, row, at + i + 3 * Lanes.COUNT);
            sum0 = x0.fma(x0, sum0);
            sum1 = x1.fma(x1, sum1);
            sum2 = x2.fma(x2, sum2);
            sum3 = x3.fma(x3, sum3);
        }
        for (; i <= size - Lanes.COUNT; i += Lanes.COUNT) {
            FloatVector x = FloatVector.fromArray(Lanes.FLOATS, row, at + i);
            sum0 = x.fma(x, sum0);
        }
        float sum = Lanes.sum(sum0.add(sum1).add(sum2.add(sum3)), lanes);
        for (; i < size; i++) {
            sum = Math.fma(row[at + i], row[at + i], sum);
        }
        return sum;
    }
}
