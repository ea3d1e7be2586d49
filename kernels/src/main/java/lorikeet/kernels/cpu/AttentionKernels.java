package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import lorikeet.kernels.KvLayout;

/**
 * The two products of attention, for {@link #ROWS} rows of queries and one KV block.
 *
 * <p>Each score is one chain of fused multiply-adds over the components, each output component one chain over the
 * tokens. Neither depends on the rows beside it or on the vector width. Four rows by two vectors make eight independent
 * chains: as many as keep two multiply-add units with a latency of four cycles busy.
 */
final class AttentionKernels {
    /** Rows that are computed together. */
    static final int ROWS = 4;

    private static final int BLOCK = KvLayout.BLOCK_TOKENS;
    private static final int PAIR = 2 * Lanes.COUNT;

    private AttentionKernels() {}

    /**
     * The products of four queries with the keys of one block.
     *
     * @param keys {@code [headSize][token]} from byte {@code keysAt}
     * @param queries {@code [headSize][row]} from {@code queriesAt}
     * @param scores written: row {@code r} at {@code scoresAt + r * stride}
     */
    static void scores(
            MemorySegment keys,
            long keysAt,
            int headSize,
            float[] queries,
            int queriesAt,
            float[] scores,
            int scoresAt,
            int stride) {
        for (int t = 0; t < BLOCK; t += PAIR) {
            FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
            FloatVector a1 = FloatVector.zero(Lanes.FLOATS);
            FloatVector b0 = FloatVector.zero(Lanes.FLOATS);
            FloatVector b1 = FloatVector.zero(Lanes.FLOATS);
            FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
            FloatVector c1 = FloatVector.zero(Lanes.FLOATS);
            FloatVector d0 = FloatVector.zero(Lanes.FLOATS);
            FloatVector d1 = FloatVector.zero(Lanes.FLOATS);
            for (int i = 0; i < headSize; i++) {
                long at = keysAt + 4L * (i * BLOCK + t);
                FloatVector key0 = FloatVector.fromMemorySegment(Lanes.FLOATS, keys, at, Lanes.ORDER);
                FloatVector key1 = FloatVector.fromMemorySegment(Lanes.FLOATS, keys, at + Lanes.BYTES, Lanes.ORDER);
                int q = queriesAt + ROWS * i;
                FloatVector a = FloatVector.broadcast(Lanes.FLOATS, queries[q]);
                a0 = a.fma(key0, a0);
                a1 = a.fma(key1, a1);
                FloatVector b = FloatVector.broadcast(Lanes.FLOATS, queries[q + 1]);
                b0 = b.fma(key0, b0);
                b1 = b.fma(key1, b1);
                FloatVector c = FloatVector.broadcast(Lanes.FLOATS, queries[q + 2]);
                c0 = c.fma(key0, c0);
                c1 = c.fma(key1, c1);
                FloatVector d = FloatVector.broadcast(Lanes.FLOATS, queries[q + 3]);
                d0 = d.fma(key0, d0);
                d1 = d.fma(key1, d1);
            }
            int out = scoresAt + t;
            a0.intoArray(scores, out);
            a1.intoArray(scores, out + Lanes.COUNT);
            b0.intoArray(scores, out + stride);
            b1.intoArray(scores, out + stride + Lanes.COUNT);
            c0.intoArray(scores, out + 2 * stride);
            c1.intoArray(scores, out + 2 * stride + Lanes.COUNT);
            d0.intoArray(scores, out + 3 * stride);
            d1.intoArray(scores, out + 3 * stride + Lanes.COUNT);
        }
    }

    /**
     * Adds the values of one block's tokens {@code from} (inclusive) to {@code to} (exclusive), weighted.
     *
     * @param values {@code [token][headSize]} from byte {@code valuesAt}
     * @param weights the weight of token {@code t} in row {@code r} is at {@code weightsAt + r * stride + t}
     * @param out component {@code i} of row {@code r} is at {@code outAt + r * outStride + i}; added to
     */
    static void values(
            MemorySegment values,
            long valuesAt,
            int from,
            int to,
            int headSize,
            float[] weights,
            int weightsAt,
            int stride,
            float[] out,
            int outAt,
            int outStride) {
        int i = 0;
        for (; i <= headSize - PAIR; i += PAIR) {
            int a = outAt + i;
            int b = a + outStride;
            int c = b + outStride;
            int d = c + outStride;
            FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, out, a);
            FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, out, a + Lanes.COUNT);
            FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, out, b);
            FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, out, b + Lanes.COUNT);
            FloatVector c0 = FloatVector.fromArray(Lanes.FLOATS, out, c);
            FloatVector c1 = FloatVector.fromArray(Lanes.FLOATS, out, c + Lanes.COUNT);
            FloatVector d0 = FloatVector.fromArray(Lanes.FLOATS, out, d);
            FloatVector d1 = FloatVector.fromArray(Lanes.FLOATS, out, d + Lanes.COUNT);
            for (int t = from; t < to; t++) {
                long at = valuesAt + 4L * (t * headSize + i);
                FloatVector value0 = FloatVector.fromMemorySegment(Lanes.FLOATS, values, at, Lanes.ORDER);
                FloatVector value1 = FloatVector.fromMemorySegment(Lanes.FLOATS, values, at + Lanes.BYTES, Lanes.ORDER);
                int w = weightsAt + t;
                FloatVector weightA = FloatVector.broadcast(Lanes.FLOATS, weights[w]);
                a0 = weightA.fma(value0, a0);
                a1 = weightA.fma(value1, a1);
                FloatVector weightB = FloatVector.broadcast(Lanes.FLOATS, weights[w + stride]);
                b0 = weightB.fma(value0, b0);
                b1 = weightB.fma(value1, b1);
                FloatVector weightC = FloatVector.broadcast(Lanes.FLOATS, weights[w + 2 * stride]);
                c0 = weightC.fma(value0, c0);
                c1 = weightC.fma(value1, c1);
                FloatVector weightD = FloatVector.broadcast(Lanes.FLOATS, weights[w + 3 * stride]);
                d0 = weightD.fma(value0, d0);
                d1 = weightD.fma(value1, d1);
            }
            a0.intoArray(out, a);
            a1.intoArray(out, a + Lanes.COUNT);
            b0.intoArray(out, b);
            b1.intoArray(out, b + Lanes.COUNT);
            c0.intoArray(out, c);
            c1.intoArray(out, c + Lanes.COUNT);
            d0.intoArray(out, d);
            d1.intoArray(out, d + Lanes.COUNT);
        }
        if (i < headSize) {
            valuesTail(values, valuesAt, i, from, to, headSize, weights, weightsAt, stride, out, outAt, outStride);
        }
    }

    /** The components from {@code first} on, which don't fill two vectors. */
    private static void valuesTail(
            MemorySegment values,
            long valuesAt,
            int first,
            int from,
            int to,
            int headSize,
            float[] weights,
            int weightsAt,
            int stride,
            float[] out,
            int outAt,
            int outStride) {
        for (int row = 0; row < ROWS; row++) {
            int rowAt = outAt + row * outStride;
            for (int t = from; t < to; t++) {
                float weight = weights[weightsAt + row * stride + t];
                for (int i = first; i < headSize; i++) {
                    float value = values.get(JAVA_FLOAT, valuesAt + 4L * (t * headSize + i));
                    out[rowAt + i] = Math.fma(weight, value, out[rowAt + i]);
                }
            }
        }
    }
}
