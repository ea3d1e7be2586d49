package lorikeet.kernels.cuda;

/** The dynamic shared memory of the kernels for projections of many tokens, as in lora.cuh, shrink_prompt.cuh and shrink_short.cuh. */
final class PromptShared {
    private static final int SIXTEEN_RANKS = 16;

    /** Chunks of sixteen ranks that a block has at a time, in most of these kernels; of {@code shrink_short}, all. */
    static final int MOST_CHUNKS = 4;

    private static final int MOST_ADD_NORM_CHUNKS = 2;
    private static final int SHRINK_STAGES = 6;
    private static final int SHRINK_ROW_BYTES = 128;
    private static final int SHRINK_ROWS = 64;
    private static final int SHRINK_SHORT_CHUNK_BYTES = 4 * 512 * (4 + 2);
    private static final int WARP = 32;

    /** The most of {@code shrink_prompt}. */
    static final int MOST_SHRINK = shrink(MOST_CHUNKS, SIXTEEN_RANKS);

    /** The most of {@code shrink_short}. */
    static final int MOST_SHRINK_SHORT = shrinkShort(MOST_CHUNKS, SIXTEEN_RANKS);

    /** The most of {@code gate_prompt}. */
    static final int MOST_GATE = gate(MOST_CHUNKS * SIXTEEN_RANKS);

    /** The most of {@code add_norm_prompt}, where a device has so much. */
    static final int MOST_ADD_NORM = addNorm(MOST_ADD_NORM_CHUNKS * SIXTEEN_RANKS, 512);

    private PromptShared() {}

    /** Chunks of sixteen ranks of all parts. */
    static int shrinkChunks(int parts, int rankStride) {
        return parts * rankStride / SIXTEEN_RANKS;
    }

    /** How often {@code shrink_prompt} goes over its input: each time for so many ranks of the parts. */
    static int shrinkPasses(int parts, int rankStride) {
        return Math.ceilDiv(shrinkChunks(parts, rankStride), MOST_CHUNKS);
    }

    static int shrink(int parts, int rankStride) {
        int chunks = Math.min(shrinkChunks(parts, rankStride), MOST_CHUNKS);
        return SHRINK_STAGES * (SHRINK_ROWS + SIXTEEN_RANKS * chunks) * SHRINK_ROW_BYTES;
    }

    static int shrinkShort(int parts, int rankStride) {
        return shrinkChunks(parts, rankStride) * SHRINK_SHORT_CHUNK_BYTES;
    }

    /** Chunks of ranks that the kernels which expand have at a time; stride: 0 without adapters. */
    private static int chunks(int rankStride) {
        return Math.min(rankStride / SIXTEEN_RANKS, MOST_CHUNKS);
    }

    static int gate(int rankStride) {
        return 65_536 + 2 * 4096 * chunks(rankStride);
    }

    static int rotate(int rankStride) {
        return 32_768 + 4096 * chunks(rankStride);
    }

    static int addNorm(int rankStride, int threads) {
        return threads / WARP * (6144 + 3072 * Math.min(chunks(rankStride), MOST_ADD_NORM_CHUNKS));
    }
}
