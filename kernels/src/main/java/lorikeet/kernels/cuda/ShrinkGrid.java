package lorikeet.kernels.cuda;

import lorikeet.kernels.RowGroups;

/**
 * The grid of the shrink of many tokens, as measured on an H200: see the notes beside the kernels.
 *
 * @param few whether there are so few tokens and ranks that {@code shrink_short} is faster than {@code shrink_prompt}
 * @param units clusters, of a block each where the device has none
 * @param cluster blocks that share the inputs
 */
record ShrinkGrid(boolean few, int units, int cluster) {
    private static final int FEW_TILES = 128;
    private static final int FEW_PRODUCTS = 384; // tiles times chunks of sixteen ranks
    private static final int FEW_TOGETHER = 2; // tiles of an adapter that a block takes
    private static final int MANY_TOGETHER = 4;
    private static final int MOST_CLUSTER = 8;

    /** From so many chunks on, two blocks of {@code shrink_prompt} fit a multiprocessor, below it three. */
    private static final int WIDE_CHUNKS = 3;

    /** For the groups with adapters, and their ranks of a projection's parts. */
    static ShrinkGrid of(RowGroups groups, int parts, int rankStride, int multiprocessors) {
        int chunks = PromptShared.shrinkChunks(parts, rankStride);
        int tiles = 0;
        boolean evenBegins = true; // all groups' first tiles are taken by blocks of their own
        boolean fourthBegins = true;
        for (int g = 0; g < groups.count(); g++) {
            if (groups.adapter(g) != null) {
                evenBegins &= tiles % FEW_TOGETHER == 0;
                fourthBegins &= tiles % MANY_TOGETHER == 0;
                tiles += Math.ceilDiv(groups.end(g) - groups.start(g), StepBuffer.TILE_ROWS);
            }
        }
        if (chunks <= PromptShared.MOST_CHUNKS && tiles <= FEW_TILES && chunks * tiles <= FEW_PRODUCTS) {
            int units = Math.max(Math.ceilDiv(tiles, FEW_TOGETHER), 1);
            return new ShrinkGrid(
                    true, evenBegins ? units : FEW_TOGETHER * units, cluster(units, false, multiprocessors));
        }
        int units = Math.ceilDiv(tiles, MANY_TOGETHER) * PromptShared.shrinkPasses(parts, rankStride);
        return new ShrinkGrid(
                false,
                fourthBegins ? units : MANY_TOGETHER * units,
                cluster(units, chunks >= WIDE_CHUNKS, multiprocessors));
    }

    /** About two blocks a multiprocessor; where no more fit, larger clusters don't find room for as many. */
    private static int cluster(int units, boolean wide, int multiprocessors) {
        int cluster = 1;
        while (cluster < MOST_CLUSTER) {
            int most = wide && cluster > 1 ? multiprocessors * 3 / 2 : 2 * multiprocessors;
            if (2 * cluster * units > most) {
                break;
            }
            cluster *= 2;
        }
        return cluster;
    }
}
