package lorikeet.runtime.engine;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import org.jspecify.annotations.Nullable;

/** The KV blocks of a model, lent from a slab pool that somebody else owns: one slab is one block. */
public final class KvBlocks implements KvCache {
    private final KvLayout layout;
    private final SlabPool pool;

    /** Uses a pool whose slabs hold at least one block. */
    public KvBlocks(KvLayout layout, SlabPool pool) {
        if (pool.slabBytes() < layout.blockBytes()) {
            throw new IllegalArgumentException(
                    "slabs of " + pool.slabBytes() + " bytes for blocks of " + layout.blockBytes());
        }
        this.layout = layout;
        this.pool = pool;
    }

    /** The size of the slabs for these blocks: a multiple of {@link SlabPlan#ALIGNMENT}. */
    public static long slabBytes(KvLayout layout) {
        return (layout.blockBytes() + SlabPlan.ALIGNMENT - 1) / SlabPlan.ALIGNMENT * SlabPlan.ALIGNMENT;
    }

    /** The most blocks that can be lent at a time. */
    public int capacity() {
        return pool.capacity();
    }

    /**
     * Lends blocks for {@code tokens} tokens, or none.
     *
     * @return the blocks, or null if not as many are left
     */
    int @Nullable [] lend(int tokens) {
        int[] blocks = new int[KvLayout.blocksFor(tokens)];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = pool.acquire();
            if (blocks[i] == SlabPool.NONE) {
                for (int j = 0; j < i; j++) {
                    pool.release(blocks[j]);
                }
                return null;
            }
        }
        return blocks;
    }

    /** Takes blocks back. */
    void giveBack(int[] blocks) {
        for (int block : blocks) {
            pool.release(block);
        }
    }

    @Override
    public KvLayout layout() {
        return layout;
    }

    @Override
    public MemorySegment block(int index) {
        return pool.memory(index);
    }
}
