package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lorikeet.kernels.Batch;

/** The tokens that a sequence has seen, one after another, as {@code sampler_see} takes them. */
final class SeenTokens {
    /** Of the struct SeenToken of sampler.cuh. */
    static final long BYTES = 16;

    /** Tokens of the prompt as they are, those of the output as their complement. */
    private int[] tokens = new int[16];

    private int size;

    /** Notes a token, once more if it was seen before. */
    void add(int token, boolean output) {
        if (token < 0) {
            throw new IllegalArgumentException("token " + token);
        }
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * size);
        }
        tokens[size++] = output ? ~token : token;
    }

    /** Writes the token of the output that a row of the last sampling chose and nobody has seen yet; returns the bytes. */
    static long writeChosen(MemorySegment to, long counts, int row) {
        to.set(JAVA_LONG, 0, counts);
        to.set(JAVA_INT, 8, Batch.chosen(row));
        to.set(JAVA_INT, 12, 1);
        return BYTES;
    }

    int size() {
        return size;
    }

    /**
     * Writes the tokens that the vocabulary has, each with the address of the sequence's counts on the device.
     *
     * @return the bytes written
     */
    long write(MemorySegment to, long counts, int vocabulary) {
        long at = 0;
        for (int i = 0; i < size; i++) {
            int token = tokens[i] < 0 ? ~tokens[i] : tokens[i];
            if (token < vocabulary) {
                to.set(JAVA_LONG, at, counts);
                to.set(JAVA_INT, at + 8, token);
                to.set(JAVA_INT, at + 12, tokens[i] < 0 ? 1 : 0);
                at += BYTES;
            }
        }
        return at;
    }
}
