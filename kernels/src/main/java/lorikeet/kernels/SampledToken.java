package lorikeet.kernels;

import java.util.List;

/**
 * A chosen token.
 *
 * @param id the token
 * @param logProb the logarithm of its probability, or NaN where it was not asked for
 * @param alternatives the most likely tokens, the most likely first; empty where not asked for
 */
public record SampledToken(int id, float logProb, List<TokenLogProb> alternatives) {
    /** A token and the logarithm of its probability. */
    public record TokenLogProb(int id, float logProb) {}
}
