package lorikeet.kernels.cpu;

/**
 * Random numbers by their index, so that a draw depends on nothing but the seed and its number. The generator is
 * SplitMix64 (https://doi.org/10.1145/2660193.2660195) with the mixed seed as its state.
 */
final class Draws {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private Draws() {}

    /** Draw number {@code index} under {@code seed}: evenly spread over the multiples of 2^-53 in [0, 1). */
    static double uniform(long seed, long index) {
        // Seeds are often small neighbouring numbers; unmixed, theirs would be shifted copies of one sequence.
        long state = mix(seed + GOLDEN_GAMMA) + (index + 1) * GOLDEN_GAMMA;
        return (mix(state) >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
