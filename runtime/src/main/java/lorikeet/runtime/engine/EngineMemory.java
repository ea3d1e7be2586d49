package lorikeet.runtime.engine;

import lorikeet.kernels.KvLayout;
import lorikeet.memory.SlabPool;

/** The KV blocks and the prefix cache of one engine, in a pool that somebody else owns. */
public final class EngineMemory {
    private final KvBlocks blocks;
    private final PrefixCache cache;

    /**
     * Memory in slabs of {@link #slabBytes}.
     *
     * @param layout of a block
     * @param most the most blocks, however large the pool is
     */
    public EngineMemory(KvLayout layout, SlabPool pool, int most) {
        blocks = new KvBlocks(layout, pool, most);
        cache = new PrefixCache(blocks);
    }

    /** The size that the pool's slabs must have: 2 MiB, or one block if that is more. */
    public static long slabBytes(KvLayout layout) {
        return KvBlocks.slabBytes(layout);
    }

    /** Takes memory back from the prefix cache. Engine thread only. */
    public Reclaimer reclaimer() {
        return cache;
    }

    KvBlocks blocks() {
        return blocks;
    }

    PrefixCache cache() {
        return cache;
    }
}
