package lorikeet.runtime.verify;

import java.util.random.RandomGenerator;

/**
 * The shapes of a small random model for {@link DeviceCheck}.
 *
 * @param hidden length of the residual stream's rows
 * @param inner length of the gated rows
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headSize components of a head
 * @param vocabulary number of tokens
 * @param layers number of layers
 * @param window of attention, 0 for none
 * @param bias whether linear layers have one
 * @param headNorms whether q and k have norms
 */
record CheckShape(
        int hidden,
        int inner,
        int heads,
        int kvHeads,
        int headSize,
        int vocabulary,
        int layers,
        int window,
        boolean bias,
        boolean headNorms) {
    private static final int[] HEAD_SIZES = {8, 16, 24, 32, 40, 64, 72, 80, 96, 104, 128, 256};
    private static final int[] GROUPS = {1, 2, 3, 4, 7, 8, 12};

    static CheckShape random(RandomGenerator random) {
        int kvHeads = 1 << random.nextInt(3);
        return new CheckShape(
                8 * random.nextInt(8, 200),
                random.nextInt(64, 2400),
                kvHeads * GROUPS[random.nextInt(GROUPS.length)],
                kvHeads,
                HEAD_SIZES[random.nextInt(HEAD_SIZES.length)],
                random.nextInt(50, 1200),
                2,
                random.nextInt(3) == 0 ? random.nextInt(1, 100) : 0,
                random.nextBoolean(),
                random.nextInt(3) == 0);
    }

    int queries() {
        return heads * headSize;
    }

    int keys() {
        return kvHeads * headSize;
    }

    @Override
    public String toString() {
        return "hidden " + hidden + ", inner " + inner + ", heads " + heads + "/" + kvHeads + " of " + headSize
                + ", vocabulary " + vocabulary + (window > 0 ? ", window " + window : "") + (bias ? ", bias" : "")
                + (headNorms ? ", head norms" : "");
    }
}
