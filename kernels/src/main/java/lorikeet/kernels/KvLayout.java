package lorikeet.kernels;

import lorikeet.memory.ElementType;

/**
 * How a KV block is laid out: the keys and values of {@link #BLOCK_TOKENS} neighbouring tokens of one sequence in all
 * layers, as {@code [layer][key, value][kvHead][token][headSize]}.
 *
 * @param layers number of layers
 * @param kvHeads number of key and value heads
 * @param headSize components of a head
 * @param type how keys and values are stored
 */
public record KvLayout(int layers, int kvHeads, int headSize, ElementType type) {
    /** Tokens in one block. */
    public static final int BLOCK_TOKENS = 16;

    /** Bytes of the keys, or the values, of one head in one layer of one block. */
    public long headBytes() {
        return (long) BLOCK_TOKENS * headSize * type.bytes();
    }

    /** Bytes of one block. */
    public long blockBytes() {
        return 2L * layers * kvHeads * headBytes();
    }

    /** Offset in a block of the keys {@code [token][headSize]} of one head in one layer. */
    public long keyOffset(int layer, int kvHead) {
        return (2L * layer * kvHeads + kvHead) * headBytes();
    }

    /** Offset in a block of the values {@code [token][headSize]} of one head in one layer. */
    public long valueOffset(int layer, int kvHead) {
        return ((2L * layer + 1) * kvHeads + kvHead) * headBytes();
    }

    /** Number of blocks that {@code tokens} tokens take. */
    public static int blocksFor(int tokens) {
        return (tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
    }
}
