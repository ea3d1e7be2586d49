package lorikeet.kernels.cpu;

import java.util.Arrays;

/** How often each token was seen; an open-addressing table that grows with the number of distinct tokens. */
final class TokenCounts {
    private static final int NONE = -1;

    private int[] tokens = new int[0];
    private int[] counts = new int[0];
    private int size;

    /** Adds {@code times}, which may be 0, to the token's count. */
    void add(int token, int times) {
        if (2 * (size + 1) > tokens.length) {
            grow();
        }
        int slot = slot(token);
        if (tokens[slot] == NONE) {
            tokens[slot] = token;
            size++;
        }
        counts[slot] += times;
    }

    /** Number of distinct tokens. */
    int size() {
        return size;
    }

    /** One past the last slot; not all slots hold a token. */
    int slots() {
        return tokens.length;
    }

    /** The token in a slot, negative if there is none. */
    int token(int slot) {
        return tokens[slot];
    }

    /** The count of the token in a slot. */
    int count(int slot) {
        return counts[slot];
    }

    private int slot(int token) {
        int mask = tokens.length - 1;
        int slot = ((token * 0x9e3779b9) >>> 7) & mask;
        while (tokens[slot] != NONE && tokens[slot] != token) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        int[] oldTokens = tokens;
        int[] oldCounts = counts;
        int capacity = Math.max(16, 2 * oldTokens.length);
        tokens = new int[capacity];
        counts = new int[capacity];
        Arrays.fill(tokens, NONE);
        for (int i = 0; i < oldTokens.length; i++) {
            if (oldTokens[i] != NONE) {
                int slot = slot(oldTokens[i]);
                tokens[slot] = oldTokens[i];
                counts[slot] = oldCounts[i];
            }
        }
    }
}
