package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The attention of one query over a part of its tokens, as floats in an array: the sum of the values weighted by
 * {@code exp(score - max)}, then {@code max}, then the sum of these weights. Parts are merged as in online softmax
 * (https://arxiv.org/abs/1805.02867).
 */
final class SoftmaxPart {
    /** In place of the scores of tokens that a query doesn't see; their weight becomes 0. */
    static final float HIDDEN = Float.NEGATIVE_INFINITY;

    /** The max of no tokens: finite, so that differences from it are never NaN. */
    private static final float NO_MAX = -Float.MAX_VALUE;

    private SoftmaxPart() {}

    /** Floats that a part takes. */
    static int size(int headSize) {
        return headSize + 2;
    }

    /** Makes the part of no tokens. */
    static void clear(float[] part, int at, int headSize) {
        Arrays.fill(part, at, at + headSize, 0);
        part[at + headSize] = NO_MAX;
        part[at + headSize + 1] = 0;
    }

    /**
     * Turns scores into weights and notes their max and sum.
     *
     * @param scores read and written from {@code scoresAt}
     * @param count number of scores, a multiple of a KV block's tokens
     * @param lanes scratch of {@link Lanes#COUNT} elements
     */
    static void weigh(float[] scores, int scoresAt, int count, float[] part, int at, int headSize, float[] lanes) {
        FloatVector max0 = FloatVector.broadcast(Lanes.FLOATS, NO_MAX);
        FloatVector max1 = max0;
        for (int i = 0; i < count; i += 2 * Lanes.COUNT) {
            FloatVector score0 = FloatVector.fromArray(Lanes.FLOATS, scores, scoresAt + i);
            FloatVector score1 = FloatVector.fromArray(Lanes.FLOATS, scores, scoresAt + i + Lanes.COUNT);
            max0 = max0.blend(score0, score0.compare(VectorOperators.GT, max0));
            max1 = max1.blend(score1, score1.compare(VectorOperators.GT, max1));
        }
        float max = max0.max(max1).reduceLanes(VectorOperators.MAX);
        FloatVector sum0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector sum1 = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < count; i += 2 * Lanes.COUNT) {
            FloatVector weight0 = Exp.of(
                    FloatVector.fromArray(Lanes.FLOATS, scores, scoresAt + i).sub(max));
            FloatVector weight1 = Exp.of(FloatVector.fromArray(Lanes.FLOATS, scores, scoresAt + i + Lanes.COUNT)
                    .sub(max));
            weight0.intoArray(scores, scoresAt + i);
            weight1.intoArray(scores, scoresAt + i + Lanes.COUNT);
            sum0 = sum0.add(weight0);
            sum1 = sum1.add(weight1);
        }
        part[at + headSize] = max;
        part[at + headSize + 1] = Lanes.sum(sum0.add(sum1), lanes);
    }

    /** Adds a part to the one at {@code at}. Merging with the part of no tokens changes nothing. */
    static void merge(float[] part, int at, float[] other, int otherAt, int headSize) {
        float max = Math.max(part[at + headSize], other[otherAt + headSize]);
        float factor = Exp.of(part[at + headSize] - max);
        float otherFactor = Exp.of(other[otherAt + headSize] - max);
        int i = 0;
        for (; i <= headSize - Lanes.COUNT; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, other, otherAt + i)
                    .mul(otherFactor)
                    .add(FloatVector.fromArray(Lanes.FLOATS, part, at + i).mul(factor))
                    .intoArray(part, at + i);
        }
        for (; i < headSize; i++) {
            part[at + i] = other[otherAt + i] * otherFactor + part[at + i] * factor;
        }
        part[at + headSize] = max;
        part[at + headSize + 1] = other[otherAt + headSize + 1] * otherFactor + part[at + headSize + 1] * factor;
    }

    /** Writes the weighted mean of the values. */
    static void write(float[] part, int at, int headSize, MemorySegment out, long outAt) {
        float sum = part[at + headSize + 1];
        for (int i = 0; i < headSize; i++) {
            // Adding 0 makes -0 a 0: which of them comes out depends on how many hidden tokens were passed over.
            out.set(JAVA_FLOAT, outAt + 4L * i, part[at + i] / sum + 0f);
        }
    }
}
