package lorikeet.runtime.verify;

import lorikeet.memory.ElementType;

/** How far results may be from the reference, by the precision of the device's arithmetic. */
public enum Tolerance {
    /** Each logit within 1e-3, each greedy token whose margin is above 1e-2. */
    FLOAT32 {
        @Override
        float logitError(float[] logits, float[] reference) {
            float largest = 0;
            for (int i = 0; i < logits.length; i++) {
                float error = Math.abs(logits[i] - reference[i]);
                // A comparison that is false for NaN, so that NaN counts as far off.
                if (!(error <= largest)) {
                    largest = error;
                }
            }
            return largest;
        }

        @Override
        float maxLogitError() {
            return 1e-3f;
        }

        @Override
        float minMargin() {
            return 1e-2f;
        }
    },
    /** The logits' distance within 3e-2 of their norm, greedy tokens as long as every margin is above 0.25. */
    BFLOAT16 {
        @Override
        float logitError(float[] logits, float[] reference) {
            return relativeDistance(logits, reference);
        }

        @Override
        float maxLogitError() {
            return 3e-2f;
        }

        @Override
        float minMargin() {
            return 0.25f;
        }
    },
    /**
     * {@link #BFLOAT16} for models of a few dozen dimensions with random weights, where rounding isn't averaged out: the
     * distance within 8e-2.
     *
     * <p>Where that comes from: on the CPU, with weights and activations rounded to bf16 as a GPU has them, the worst
     * request of each reference set of the tests is off by 0.01 to 0.052, and by up to 0.068 where the rounding is disturbed
     * a little. On an H100 the worst was 0.055, of a request that has 0.031 to 0.055 on the CPU. What a kernel does wrong is
     * looked for by {@link DeviceCheck}, operation by operation.
     */
    BFLOAT16_SMALL_MODEL {
        @Override
        float logitError(float[] logits, float[] reference) {
            return relativeDistance(logits, reference);
        }

        @Override
        float maxLogitError() {
            return 8e-2f;
        }

        @Override
        float minMargin() {
            return 0.25f;
        }
    };

    private static float relativeDistance(float[] logits, float[] reference) {
        double distance = 0;
        double norm = 0;
        for (int i = 0; i < logits.length; i++) {
            distance += Math.pow((double) logits[i] - reference[i], 2);
            norm += Math.pow(reference[i], 2);
        }
        return (float) Math.sqrt(distance / norm);
    }

    /** What to expect of a device that computes in this type. */
    public static Tolerance of(ElementType precision) {
        return precision == ElementType.F32 ? FLOAT32 : BFLOAT16;
    }

    /** The error of logits against the reference, in this tolerance's measure. */
    abstract float logitError(float[] logits, float[] reference);

    /** The largest error that is accepted. */
    abstract float maxLogitError();

    /** The smallest margin at which a greedy token must be the reference's. */
    abstract float minMargin();
}
