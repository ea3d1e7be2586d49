package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * Rows of a weight with a low-rank change added: {@code row + Σ factor[r] change[r]}, a few rows at a time, so that what
 * is read of the change serves several. For one thread; needed only while adapters are loaded.
 */
final class ChangedRows {
    /** Rows that are computed together. */
    static final int MOST = 4;

    private final Matrix weight;
    private final float[] change;
    private final int rank;
    private final int cols;
    private final float[] rows;
    private final float[] factors;

    /**
     * Rows of a weight, none of them computed yet.
     *
     * @param weight what is changed, of any stored type
     * @param change {@code [rank, weight.cols()]}, what is added to every row, each time with other factors
     * @param rank the number of rows of the change
     */
    ChangedRows(Matrix weight, float[] change, int rank) {
        this.weight = weight;
        this.change = change;
        this.rank = rank;
        this.cols = weight.cols();
        this.rows = new float[MOST * cols];
        this.factors = new float[MOST * rank];
    }

    /** Sets the factor of one row of the change for one of the next rows. */
    void factor(int row, int r, float factor) {
        factors[r * MOST + row] = factor;
    }

    /**
     * Computes rows, with the factors that were set.
     *
     * @param from the first one
     * @param count how many, at most {@link #MOST}
     * @return the rows, one behind the other; overwritten by the next call
     */
    float[] compute(int from, int count) {
        Floats.copy(weight.rows(from, from + count), MemorySegment.ofArray(rows));
        int vectors = cols - cols % Vectors.LANES;
        for (int i = 0; i < vectors; i += Vectors.LANES) {
            addVector(i);
        }
        for (int i = vectors; i < cols; i++) {
            addScalar(i);
        }
        return rows;
    }

    private void addVector(int i) {
        FloatVector first = FloatVector.fromArray(Vectors.FLOATS, rows, i);
        FloatVector second = FloatVector.fromArray(Vectors.FLOATS, rows, cols + i);
        FloatVector third = FloatVector.fromArray(Vectors.FLOATS, rows, 2 * cols + i);
        FloatVector fourth = FloatVector.fromArray(Vectors.FLOATS, rows, 3 * cols + i);
        for (int r = 0; r < rank; r++) {
            FloatVector added = FloatVector.fromArray(Vectors.FLOATS, change, r * cols + i);
            int at = r * MOST;
            first = added.fma(FloatVector.broadcast(Vectors.FLOATS, factors[at]), first);
            second = added.fma(FloatVector.broadcast(Vectors.FLOATS, factors[at + 1]), second);
            third = added.fma(FloatVector.broadcast(Vectors.FLOATS, factors[at + 2]), third);
            fourth = added.fma(FloatVector.broadcast(Vectors.FLOATS, factors[at + 3]), fourth);
        }
        first.intoArray(rows, i);
        second.intoArray(rows, cols + i);
        third.intoArray(rows, 2 * cols + i);
        fourth.intoArray(rows, 3 * cols + i);
    }

    private void addScalar(int i) {
        for (int row = 0; row < MOST; row++) {
            float sum = rows[row * cols + i];
            for (int r = 0; r < rank; r++) {
                sum = Math.fma(change[r * cols + i], factors[r * MOST + row], sum);
            }
            rows[row * cols + i] = sum;
        }
    }
}
