package lorikeet.kernels.cpu;

import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import lorikeet.kernels.Delta;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * The norms of the columns of {@code W + scaling (B A)ᵀ}, for an embedding table. Needed once at loading, so it runs on
 * the common pool, beside the threads that serve. Costs a multiply-add for each weight and rank.
 *
 * <p>The table is always cut into the same blocks of tokens, whose sums are added in order: the result doesn't depend on
 * the number of threads.
 */
final class CpuColumnNorms {
    private static final int BLOCK_TOKENS = 256;

    private final Matrix weight;
    private final Matrix a;
    private final float[] b;
    private final int rank;
    private final int hidden;

    private CpuColumnNorms(Matrix weight, Delta.LowRankEmbedding delta) {
        this.weight = weight;
        this.a = delta.a();
        this.rank = a.rows();
        this.hidden = weight.cols();
        this.b = scaledTransposed(delta);
    }

    static void compute(Matrix weight, Delta.LowRankEmbedding delta, Matrix out) {
        double[] squares = new CpuColumnNorms(weight, delta).squares();
        for (int i = 0; i < squares.length; i++) {
            out.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sqrt(squares[i]));
        }
    }

    /** {@code scaling Bᵀ}, {@code [rank, hidden]}, so that the innermost loop runs over neighbours. */
    private static float[] scaledTransposed(Delta.LowRankEmbedding delta) {
        int hidden = delta.b().rows();
        int rank = delta.b().cols();
        float[] b = Floats.toArray(delta.b());
        float[] result = new float[b.length];
        for (int i = 0; i < hidden; i++) {
            for (int r = 0; r < rank; r++) {
                result[r * hidden + i] = delta.scaling() * b[i * rank + r];
            }
        }
        return result;
    }

    private double[] squares() {
        int blocks = (weight.rows() + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
        float[][] parts =
                IntStream.range(0, blocks).parallel().mapToObj(this::squares).toArray(float[][]::new);
        double[] squares = new double[hidden];
        for (float[] part : parts) {
            for (int i = 0; i < hidden; i++) {
                squares[i] += part[i];
            }
        }
        return squares;
    }

    /** The sums of squares over the tokens of a block. */
    private float[] squares(int block) {
        int from = block * BLOCK_TOKENS;
        int to = Math.min(from + BLOCK_TOKENS, weight.rows());
        float[] factors = factors(from, to);
        float[] squares = new float[hidden];
        ChangedRows rows = new ChangedRows(weight, b, rank);
        for (int token = from; token < to; token += ChangedRows.MOST) {
            int count = Math.min(ChangedRows.MOST, to - token);
            for (int i = 0; i < count; i++) {
                for (int r = 0; r < rank; r++) {
                    rows.factor(i, r, factors[r * (to - from) + token - from + i]);
                }
            }
            float[] changed = rows.compute(token, count);
            for (int i = 0; i < count; i++) {
                addSquares(squares, changed, i * hidden);
            }
        }
        return squares;
    }

    /** The columns of A for some tokens, {@code [rank, to - from]}. */
    private float[] factors(int from, int to) {
        int count = to - from;
        float[] factors = new float[rank * count];
        for (int r = 0; r < rank; r++) {
            long at = r * a.rowBytes() + (long) from * a.type().bytes();
            Matrix part =
                    new Matrix(a.data().asSlice(at, (long) count * a.type().bytes()), a.type(), 1, count);
            System.arraycopy(Floats.toArray(part), 0, factors, r * count, count);
        }
        return factors;
    }

    private static void addSquares(float[] squares, float[] values, int from) {
        int vectors = squares.length - squares.length % Vectors.LANES;
        for (int i = 0; i < vectors; i += Vectors.LANES) {
            FloatVector some = FloatVector.fromArray(Vectors.FLOATS, values, from + i);
            some.fma(some, FloatVector.fromArray(Vectors.FLOATS, squares, i)).intoArray(squares, i);
        }
        for (int i = vectors; i < squares.length; i++) {
            squares[i] = Math.fma(values[from + i], values[from + i], squares[i]);
        }
    }
}
