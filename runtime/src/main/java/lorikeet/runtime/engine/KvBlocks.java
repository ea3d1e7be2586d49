package lorikeet.runtime.engine;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import org.jspecify.annotations.Nullable;

/**
 * The KV blocks of a model, cut from the slabs of a pool that somebody else owns and that also serves adapters. A slab is
 * taken when no block is left in those already taken, and goes back when none of its blocks is lent. Engine thread only.
 */
final class KvBlocks implements KvCache {
    /** What {@link #acquire} answers when no block is left. */
    static final int NONE = -1;

    private static final long LEAST_SLAB_BYTES = 2L << 20;

    private final KvLayout layout;
    private final SlabPool pool;
    private final long blockBytes;
    private final int perSlab;
    private final int most;

    /** Blocks that are not lent, of slabs that were taken. */
    private final BitSet free = new BitSet();

    /** Slabs that were taken and have such blocks. */
    private final BitSet open = new BitSet();

    private int[] lentOf = new int[16];
    private @Nullable MemorySegment[] memory = new MemorySegment[16];
    private int slabs;
    private int lent;

    /**
     * Uses a pool whose slabs hold at least one block.
     *
     * @param most the most blocks to be lent at a time, however large the pool is
     */
    KvBlocks(KvLayout layout, SlabPool pool, int most) {
        this.layout = layout;
        this.pool = pool;
        this.most = most;
        this.blockBytes = aligned(layout.blockBytes());
        this.perSlab = Math.toIntExact(pool.slabBytes() / blockBytes);
        if (perSlab == 0) {
            throw new IllegalArgumentException(
                    "slabs of " + pool.slabBytes() + " bytes for blocks of " + layout.blockBytes());
        }
    }

    private static long aligned(long bytes) {
        return (bytes + SlabPlan.ALIGNMENT - 1) / SlabPlan.ALIGNMENT * SlabPlan.ALIGNMENT;
    }

    /** The size of the slabs for these blocks: 2 MiB, or one block if that is more. */
    static long slabBytes(KvLayout layout) {
        return Math.max(LEAST_SLAB_BYTES, aligned(layout.blockBytes()));
    }

    /** The most blocks that can be lent at a time, if the whole pool is there for them. */
    int capacity() {
        return (int) Math.min(most, (long) pool.capacity() * perSlab);
    }

    /** The blocks that are lent. */
    int lent() {
        return lent;
    }

    /** The blocks that can be lent as things are. */
    int available() {
        long inOpenSlabs = (long) slabs * perSlab - lent;
        return (int) Math.min(most - lent, inOpenSlabs + (long) pool.available() * perSlab);
    }

    /** How many more blocks could be lent if there was memory for them. */
    int belowLimit() {
        return most - lent;
    }

    /** The slabs that blocks are lent from. */
    int slabs() {
        return slabs;
    }

    /** Lends a block, or {@link #NONE}. Its content is whatever was there before. */
    int acquire() {
        if (lent >= most) {
            return NONE;
        }
        int slab = open.nextSetBit(0);
        if (slab < 0) {
            slab = pool.acquire();
            if (slab == SlabPool.NONE) {
                return NONE;
            }
            take(slab);
        }
        int block = free.nextSetBit(slab * perSlab);
        free.clear(block);
        lent++;
        if (++lentOf[slab] == perSlab) {
            open.clear(slab);
        }
        return block;
    }

    private void take(int slab) {
        slabs++;
        int first = Math.multiplyExact(slab, perSlab);
        int end = Math.addExact(first, perSlab);
        if (end > memory.length) {
            memory = Arrays.copyOf(memory, Math.max(end, 2 * memory.length));
        }
        if (slab >= lentOf.length) {
            lentOf = Arrays.copyOf(lentOf, Math.max(slab + 1, 2 * lentOf.length));
        }
        if (memory[first] == null) {
            MemorySegment whole = pool.memory(slab);
            for (int i = 0; i < perSlab; i++) {
                memory[first + i] = whole.asSlice(i * blockBytes, blockBytes);
            }
        }
        free.set(first, end);
        open.set(slab);
    }

    /** Takes a block back. */
    void release(int block) {
        int slab = block / perSlab;
        if (block < 0 || slab >= lentOf.length || lentOf[slab] == 0 || free.get(block)) {
            throw new IllegalStateException("block " + block + " is not lent");
        }
        free.set(block);
        lent--;
        if (--lentOf[slab] > 0) {
            open.set(slab);
            return;
        }
        free.clear(slab * perSlab, (slab + 1) * perSlab);
        open.clear(slab);
        slabs--;
        pool.release(slab);
    }

    @Override
    public KvLayout layout() {
        return layout;
    }

    @Override
    public MemorySegment block(int index) {
        MemorySegment segment = memory[index];
        if (segment == null) {
            throw new IndexOutOfBoundsException("there has never been a block " + index);
        }
        return segment;
    }
}
