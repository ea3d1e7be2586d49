package lorikeet.kernels.cpu;

import jdk.incubator.vector.FloatVector;

/**
 * How likely tokens are relative to the most likely one: {@code exp((logit - max) / temperature)}, at most 1. The
 * difference comes first, so that no temperature, however small, makes it overflow or a NaN.
 *
 * @param max the largest logit, finite
 * @param temperature more than 0
 */
record TokenWeights(float max, float temperature) {
    /** The weight of a logit. */
    float of(float logit) {
        return Exp.of((logit - max) / temperature);
    }

    /** The weight of the token with this key. */
    float of(long key) {
        return of(TokenKeys.logit(key));
    }

    /** The weights of logits. */
    FloatVector of(FloatVector logits) {
        return Exp.of(logits.sub(max).div(temperature));
    }
}
