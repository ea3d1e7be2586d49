package lorikeet.kernels.cpu;

import java.util.Arrays;

/**
 * Logits and tokens as numbers that order them: a larger logit is a larger key, and of equal logits the smaller token.
 * No two tokens have the same key, so the k most likely tokens are always well defined. Selecting them takes time
 * proportional to their number, without sorting all.
 */
final class TokenKeys {
    /** Ranges of this size are sorted. */
    private static final int SMALL = 32;

    private TokenKeys() {}

    /** The key of a token; the logit is not a NaN. */
    static long of(float logit, int token) {
        int bits = Float.floatToRawIntBits(logit + 0f); // -0 is the same logit as 0
        int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        return ((long) ordered << 32) | (~token & 0xffffffffL);
    }

    /** The token of a key. */
    static int token(long key) {
        return ~(int) key;
    }

    /** The logit of a key. */
    static float logit(long key) {
        int ordered = (int) (key >> 32);
        return Float.intBitsToFloat(ordered ^ ((ordered >> 31) & Integer.MAX_VALUE));
    }

    /**
     * The {@code k}-th largest of the first {@code count} keys, 1 for the largest.
     *
     * @param keys reordered
     */
    static long largest(long[] keys, int count, int k) {
        int from = 0;
        int to = count;
        int wanted = k - 1;
        for (int rounds = rounds(count); rounds > 0 && to - from > SMALL; rounds--) {
            int pivot = partition(keys, from, to);
            if (pivot == wanted) {
                return keys[pivot];
            } else if (pivot > wanted) {
                to = pivot;
            } else {
                from = pivot + 1;
            }
        }
        Arrays.sort(keys, from, to);
        return keys[to - 1 - (wanted - from)];
    }

    /**
     * The last key of the shortest run of largest keys whose weights reach {@code mass}; the smallest key if all
     * together don't.
     *
     * @param keys reordered
     */
    static long reaching(double mass, long[] keys, int count, TokenWeights weights) {
        int from = 0;
        int to = count;
        double above = 0;
        for (int rounds = rounds(count); rounds > 0 && to - from > SMALL; rounds--) {
            int pivot = partition(keys, from, to);
            double larger = 0;
            for (int i = from; i < pivot; i++) {
                larger += weights.of(keys[i]);
            }
            if (above + larger >= mass) {
                to = pivot;
            } else if (above + larger + weights.of(keys[pivot]) >= mass) {
                return keys[pivot];
            } else {
                above += larger + weights.of(keys[pivot]);
                from = pivot + 1;
            }
        }
        Arrays.sort(keys, from, to);
        for (int i = to - 1; i >= from; i--) {
            above += weights.of(keys[i]);
            if (above >= mass) {
                return keys[i];
            }
        }
        return keys[from < to ? from : to - 1];
    }

    /** More rounds than this mean that the pivots are bad, and sorting what is left is cheaper. */
    private static int rounds(int count) {
        return 3 * (32 - Integer.numberOfLeadingZeros(count));
    }

    /** Puts the keys larger than some key before it and the smaller ones behind it, and returns where it is. */
    private static int partition(long[] keys, int from, int to) {
        swap(keys, from, middle(keys, from, (from + to) >>> 1, to - 1));
        long pivot = keys[from];
        int i = from;
        int j = to;
        while (true) {
            do {
                i++;
            } while (i < to && keys[i] > pivot);
            do {
                j--;
            } while (keys[j] < pivot);
            if (i >= j) {
                swap(keys, from, j);
                return j;
            }
            swap(keys, i, j);
        }
    }

    /** Which of the three indices has the key between the other two. */
    private static int middle(long[] keys, int a, int b, int c) {
        if (keys[a] < keys[b]) {
            return keys[b] < keys[c] ? b : keys[a] < keys[c] ? c : a;
        }
        return keys[a] < keys[c] ? a : keys[b] < keys[c] ? c : b;
    }

    private static void swap(long[] keys, int i, int j) {
        long key = keys[i];
        keys[i] = keys[j];
        keys[j] = key;
    }
}
