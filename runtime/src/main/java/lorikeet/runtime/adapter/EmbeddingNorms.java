package lorikeet.runtime.adapter;

import java.util.stream.IntStream;
import lorikeet.kernels.Delta;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * The norms of the columns of {@code W + scaling (B A)ᵀ}, which DoRA's magnitudes of an embedding table are divided by.
 * Needed once at loading, so it runs on the common pool, beside the threads that serve. Costs a multiply-add for each
 * weight and rank.
 *
 * <p>The table is always cut into the same blocks of tokens, whose sums are added in order: the result doesn't depend on
 * the number of threads.
 */
final class EmbeddingNorms {
    private static final int BLOCK_TOKENS = 512;

    private final Matrix weight;
    private final Matrix a;
    private final float[] b;
    private final int rank;
    private final int hidden;

    private EmbeddingNorms(Matrix weight, Delta.LowRankEmbedding delta) {
        this.weight = weight;
        this.a = delta.a();
        this.rank = a.rows();
        this.hidden = weight.cols();
        this.b = scaledTransposed(delta);
    }

    /**
     * Computes the norms.
     *
     * @param weight {@code W}, {@code [vocabulary, hidden]}
     * @param delta A, B and the scaling
     * @return one for each component of a hidden state
     */
    static double[] columns(Matrix weight, Delta.LowRankEmbedding delta) {
        return new EmbeddingNorms(weight, delta).columns();
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

    private double[] columns() {
        int blocks = (weight.rows() + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
        double[][] parts =
                IntStream.range(0, blocks).parallel().mapToObj(this::squares).toArray(double[][]::new);
        double[] norms = new double[hidden];
        for (double[] part : parts) {
            for (int i = 0; i < hidden; i++) {
                norms[i] += part[i];
            }
        }
        for (int i = 0; i < hidden; i++) {
            norms[i] = Math.sqrt(norms[i]);
        }
        return norms;
    }

    /** The sums of squares over the tokens of a block. */
    private double[] squares(int block) {
        int from = block * BLOCK_TOKENS;
        int to = Math.min(from + BLOCK_TOKENS, weight.rows());
        float[] factors = factors(from, to);
        double[] squares = new double[hidden];
        for (int token = from; token < to; token++) {
            float[] row = Floats.toArray(weight.rows(token, token + 1));
            for (int r = 0; r < rank; r++) {
                addScaled(row, b, r * hidden, factors[r * (to - from) + token - from]);
            }
            for (int i = 0; i < hidden; i++) {
                squares[i] += (double) row[i] * row[i];
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

    /** Simple enough for the compiler to vectorise. */
    private static void addScaled(float[] sum, float[] from, int start, float factor) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += factor * from[start + i];
        }
    }
}
