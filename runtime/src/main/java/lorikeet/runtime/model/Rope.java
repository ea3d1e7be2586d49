package lorikeet.runtime.model;

import lorikeet.kernels.RotaryFrequencies;

/** A model's rotary position embedding: the frequencies, which in one variant depend on how long the text is. */
public sealed interface Rope {
    /**
     * The frequencies for tokens that are computed when the text, they included, has {@code length} tokens. The same
     * object is returned as long as they are the same.
     */
    RotaryFrequencies frequencies(int length);

    /** Texts of up to this many tokens are all turned by the same frequencies, so they can share keys. */
    int steadyLength();

    /** The variant's name, as in {@code rope_type}. */
    String variant();

    /** Frequencies that never change. */
    record Fixed(String variant, RotaryFrequencies frequencies) implements Rope {
        @Override
        public RotaryFrequencies frequencies(int length) {
            return frequencies;
        }

        @Override
        public int steadyLength() {
            return Integer.MAX_VALUE;
        }
    }

    /**
     * Dynamic NTK scaling: beyond the length of the training the base grows with the text
     * (https://www.reddit.com/r/LocalLLaMA/comments/14mrgpr). As in Transformers, a prompt is turned by the frequencies
     * of its whole length, and each later token by those of the length it makes.
     *
     * @param base theta
     * @param headSize components of a head
     * @param factor the scaling factor
     * @param trained the length of the training
     * @param unscaled the frequencies up to that length
     */
    record Dynamic(float base, int headSize, double factor, int trained, RotaryFrequencies unscaled) implements Rope {
        @Override
        public String variant() {
            return "dynamic";
        }

        @Override
        public int steadyLength() {
            return trained;
        }

        @Override
        public RotaryFrequencies frequencies(int length) {
            if (length <= trained) {
                return unscaled;
            }
            double growth = factor * length / trained - (factor - 1);
            double scaled = base * Math.pow(growth, headSize / (headSize - 2.0));
            return new RotaryFrequencies(RopeReader.inverse(scaled, headSize), 1);
        }
    }
}
