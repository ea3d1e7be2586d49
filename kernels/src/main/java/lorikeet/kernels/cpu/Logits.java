package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One row of logits, summarised by the largest logit of each chunk of {@link #CHUNK}: with these, the few most likely
 * tokens are found without looking at most of the others. One for each worker, reused for each row.
 */
final class Logits {
    private static final int CHUNK = 128;

    private final float[] lanes = new float[Lanes.COUNT];
    private MemorySegment row = MemorySegment.NULL;
    private int count;
    private int chunks;
    private float max;
    private float[] maxima = new float[0];
    private double[] sums = new double[0];
    private long[] keys = new long[0];
    private long[] selection = new long[0];

    /** Looks at the logits in {@code row}, which may be changed as long as {@link #scan} is called again. */
    void scan(MemorySegment row, int count) {
        this.row = row;
        this.count = count;
        chunks = Math.ceilDiv(count, CHUNK);
        if (maxima.length < chunks) {
            maxima = new float[chunks];
            sums = new double[chunks];
        }
        scan();
    }

    /** Looks at the logits again after they were changed. */
    void scan() {
        max = Float.NEGATIVE_INFINITY;
        for (int chunk = 0; chunk < chunks; chunk++) {
            maxima[chunk] = max(row, chunk * CHUNK, end(chunk));
            max = Math.max(max, maxima[chunk]); // A NaN stays one.
        }
    }

    private int end(int chunk) {
        return Math.min(count, (chunk + 1) * CHUNK);
    }

    private static float max(MemorySegment row, int from, int to) {
        int i = from;
        FloatVector max0 = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
        FloatVector max1 = max0;
        for (; i <= to - 2 * Lanes.COUNT; i += 2 * Lanes.COUNT) {
            max0 = max0.max(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 4L * i, Lanes.ORDER));
            max1 = max1.max(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 4L * i + Lanes.BYTES, Lanes.ORDER));
        }
        float max = max0.max(max1).reduceLanes(VectorOperators.MAX);
        for (; i < to; i++) {
            max = Math.max(max, row.get(JAVA_FLOAT, 4L * i));
        }
        return max;
    }

    /** Whether there is a most likely token: no logit is a NaN or a positive infinity, and one at least is finite. */
    boolean valid() {
        return Float.isFinite(max);
    }

    /** The largest logit. */
    float max() {
        return max;
    }

    /** The logit of a token. */
    float get(int token) {
        return row.get(JAVA_FLOAT, 4L * token);
    }

    /** The most likely token; of equals the smallest. */
    int best() {
        int chunk = 0;
        while (maxima[chunk] != max) {
            chunk++;
        }
        int token = chunk * CHUNK;
        while (get(token) != max) {
            token++;
        }
        return token;
    }

    /** The logarithm of the sum of {@code exp(logit)} over all tokens. */
    double logSumExp() {
        return max + Math.log(sum(new TokenWeights(max, 1)));
    }

    private double sum(TokenWeights weights) {
        double sum = 0;
        for (int chunk = 0; chunk < chunks; chunk++) {
            sums[chunk] = sum(row, chunk * CHUNK, end(chunk), weights, lanes);
            sum += sums[chunk];
        }
        return sum;
    }

    private static double sum(MemorySegment row, int from, int to, TokenWeights weights, float[] lanes) {
        int i = from;
        FloatVector sum0 = FloatVector.zero(Lanes.FLOATS);
        for (; i <= to - Lanes.COUNT; i += Lanes.COUNT) {
            sum0 = sum0.add(weights.of(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 4L * i, Lanes.ORDER)));
        }
        double sum = Lanes.sum(sum0, lanes);
        for (; i < to; i++) {
            sum += weights.of(row.get(JAVA_FLOAT, 4L * i));
        }
        return sum;
    }

    /**
     * Draws from all tokens: the first, in the order of their ids, up to which the weights sum up to more than
     * {@code uniform} times the sum of all.
     */
    int draw(TokenWeights weights, double uniform) {
        double left = uniform * sum(weights);
        int chunk = 0;
        while (chunk < chunks - 1 && sums[chunk] <= left) {
            left -= sums[chunk];
            chunk++;
        }
        int last = -1;
        for (int token = chunk * CHUNK; token < end(chunk) && left >= 0; token++) {
            float weight = weights.of(get(token));
            if (weight > 0) {
                last = token;
                left -= weight;
            }
        }
        return last;
    }

    /**
     * The keys of tokens, ascending by id: of all whose logit is {@code least} or more, and at most the {@code limit} most
     * likely of them.
     *
     * @return their number; they are in {@link #keys}
     */
    int collect(float least, int limit) {
        float threshold = limit < chunks ? Math.max(least, chunkMaximum(limit)) : least;
        int found = 0;
        for (int chunk = 0; chunk < chunks; chunk++) {
            if (maxima[chunk] >= threshold) {
                found = collect(chunk, threshold, found);
            }
        }
        return found > limit ? keep(found, TokenKeys.largest(copy(found), found, limit)) : found;
    }

    private int collect(int chunk, float threshold, int found) {
        if (keys.length < found + CHUNK) {
            keys = Arrays.copyOf(keys, Math.max(found + CHUNK, 2 * keys.length));
        }
        for (int token = chunk * CHUNK; token < end(chunk); token++) {
            float logit = get(token);
            if (logit >= threshold) {
                keys[found++] = TokenKeys.of(logit, token);
            }
        }
        return found;
    }

    /** The {@code k}-th largest chunk maximum: so many tokens at least have a logit as large or larger. */
    private float chunkMaximum(int k) {
        reserve(chunks);
        for (int chunk = 0; chunk < chunks; chunk++) {
            selection[chunk] = TokenKeys.of(maxima[chunk], chunk);
        }
        return TokenKeys.logit(TokenKeys.largest(selection, chunks, k));
    }

    /** Drops the collected keys below {@code least} and returns the number of those left. */
    int keep(int found, long least) {
        int kept = 0;
        for (int i = 0; i < found; i++) {
            if (keys[i] >= least) {
                keys[kept++] = keys[i];
            }
        }
        return kept;
    }

    /** The collected keys, from 0. */
    long[] keys() {
        return keys;
    }

    /** A copy of the first {@code found} collected keys, to be reordered; valid until the next call of any method. */
    long[] copy(int found) {
        reserve(found);
        System.arraycopy(keys, 0, selection, 0, found);
        return selection;
    }

    private void reserve(int size) {
        if (selection.length < size) {
            selection = new long[size];
        }
    }
}
