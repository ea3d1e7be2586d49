package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.LogitBias;

/** Tokens with a bias, as {@code sampler_bias} takes them. */
final class BiasedTokens {
    /** Of the struct BiasedToken of sampler.cuh. */
    static final long BYTES = 16;

    private BiasedTokens() {}

    /**
     * Writes the tokens of a row that the vocabulary has, each with the address of its logit on the device.
     *
     * @param row the address of the row's first logit
     * @param outputs the tokens that the row's output has already
     * @return the bytes written
     */
    static long write(MemorySegment to, LogitBias bias, long outputs, long row, int vocabulary) {
        long at = 0;
        for (int i = 0; i < bias.size(outputs); i++) {
            if (bias.token(i) < vocabulary) {
                to.set(JAVA_LONG, at, row + 4L * bias.token(i));
                to.set(JAVA_FLOAT, at + 8, bias.value(i, outputs));
                at += BYTES;
            }
        }
        return at;
    }
}
