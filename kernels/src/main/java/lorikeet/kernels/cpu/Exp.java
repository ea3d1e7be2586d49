package lorikeet.kernels.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The exponential function for arguments of at most 0, within one unit in the last place. It is made of exactly
 * rounded operations alone, so the vector and the scalar form, interpreted or compiled, give the same bits.
 *
 * <p>With {@code n} the integer nearest to {@code x / ln 2} and {@code r = x - n ln 2}, the result is {@code 2^n exp(r)},
 * and {@code exp(r) = 1 + r + r² p(r)} with a minimax polynomial {@code p} of degree 4 (relative error 3.1e-9). Results
 * below about 1.6e-38 are 0; a NaN stays a NaN; {@code exp(0)} is exactly 1.
 */
final class Exp {
    /** Below this the result would leave the normal numbers. */
    private static final float SMALLEST = -87;

    private static final float LOG2_E = 1.442695f;

    /** Adding this rounds to an integer, which then stands in the lowest bits of the sum. */
    private static final float ROUND = 0x1.8p23f;

    /** ln 2 in two parts; the first has so few bits that a product with n is exact. */
    private static final float LN2_HIGH = 0x1.63p-1f;

    private static final float LN2_LOW = (float) (0.6931471805599453 - LN2_HIGH);

    private static final float C2 = 0.49999994f;
    private static final float C3 = 0.16666521f;
    private static final float C4 = 0.04166839f;
    private static final float C5 = 0.008368745f;
    private static final float C6 = 0.0013814539f;

    private static final int EXPONENT_SHIFT = 23;
    private static final int ONE_BITS = 0x3f800000;

    private Exp() {}

    /** {@code exp(x)} for {@code x <= 0}. */
    static FloatVector of(FloatVector x) {
        FloatVector shifted =
                x.fma(FloatVector.broadcast(Lanes.FLOATS, LOG2_E), FloatVector.broadcast(Lanes.FLOATS, ROUND));
        FloatVector minusN = FloatVector.broadcast(Lanes.FLOATS, ROUND).sub(shifted);
        FloatVector r = minusN.fma(FloatVector.broadcast(Lanes.FLOATS, LN2_HIGH), x);
        r = minusN.fma(FloatVector.broadcast(Lanes.FLOATS, LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(Lanes.FLOATS, C6), FloatVector.broadcast(Lanes.FLOATS, C5));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C4));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C3));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, C2));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, 1));
        p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, 1));
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, EXPONENT_SHIFT);
        FloatVector power = exponent.add(ONE_BITS).reinterpretAsFloats();
        return p.mul(power).blend(0, x.compare(VectorOperators.LT, SMALLEST));
    }

    /** {@code exp(x)} for {@code x <= 0}. */
    static float of(float x) {
        if (x < SMALLEST) {
            return 0;
        }
        float shifted = Math.fma(x, LOG2_E, ROUND);
        float minusN = ROUND - shifted;
        float r = Math.fma(minusN, LN2_HIGH, x);
        r = Math.fma(minusN, LN2_LOW, r);
        float p = Math.fma(r, C6, C5);
        p = Math.fma(p, r, C4);
        p = Math.fma(p, r, C3);
        p = Math.fma(p, r, C2);
        p = Math.fma(p, r, 1);
        p = Math.fma(p, r, 1);
        int exponent = Float.floatToRawIntBits(shifted) << EXPONENT_SHIFT;
        return p * Float.intBitsToFloat(exponent + ONE_BITS);
    }
}
