package lorikeet.kernels;

/**
 * The angles of the rotary position embedding (https://arxiv.org/abs/2104.09864): component pair {@code i} of a head at
 * position {@code p} is turned by {@code p * inverse[i]}, computed in float32 as Transformers does. Pair {@code i} is
 * the components {@code i} and {@code i + inverse.length}.
 *
 * @param inverse one frequency for each pair of components; owned by this record, never changed
 * @param scaling factor of both cosine and sine (the attention factor of yarn), else 1
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; read in a hot loop.
public record RotaryFrequencies(float[] inverse, float scaling) {}
