package lorikeet.runtime.engine;

import java.util.Arrays;
import lorikeet.kernels.KvLayout;

/**
 * Where sequences get their KV blocks from: free ones first, then those of cached prefixes and idle adapters, whatever
 * was used longest ago. Engine thread only.
 */
final class KvMemory {
    private final KvBlocks blocks;
    private final PrefixCache cache;
    private final Residency residency;
    private final StepsInFlight flights;
    private final boolean shared;
    private final int steadyLength;

    /**
     * Memory for sequences.
     *
     * @param shared whether requests may use what others have computed; without it, only the choices of a request share
     * @param steadyLength keys are the same in all texts of up to this many tokens that begin with the same
     */
    KvMemory(
            KvBlocks blocks,
            PrefixCache cache,
            Residency residency,
            StepsInFlight flights,
            boolean shared,
            int steadyLength) {
        this.blocks = blocks;
        this.cache = cache;
        this.residency = residency;
        this.flights = flights;
        this.shared = shared;
        this.steadyLength = steadyLength;
    }

    private long key(SequenceGroup group) {
        return shared ? group.adapterId() : -1 - group.serial();
    }

    /** Forgets what only a request that has ended could use. */
    void forget(SequenceGroup group) {
        if (!shared) {
            forget(key(group));
        }
    }

    /** Forgets what was kept for an adapter. */
    void forget(long key) {
        flights.whenLanded(() -> cache.forget(key));
    }

    /**
     * Starts a sequence with what the cache has of it and with blocks for the rest of its known tokens.
     *
     * @param spare the number of blocks that must be left for others
     * @return false if there is no memory; nothing has changed then
     */
    boolean start(Sequence sequence, int spare) {
        RadixNode node = cache.find(key(sequence.group()), sequence.tokens(), reusable(sequence));
        cache.hold(node);
        if (!hasRoomFor(KvLayout.blocksFor(sequence.length()) - node.depth() + spare)) {
            cache.release(node);
            return false;
        }
        sequence.start(node);
        if (!grow(sequence)) {
            release(sequence);
            return false;
        }
        return true;
    }

    /** The tokens that need not be computed if the cache has them: the last one must be, and those that give scores. */
    private int reusable(Sequence sequence) {
        if (sequence.promptLength() > steadyLength) {
            return 0;
        }
        int limit = Math.min(sequence.length() - 1, steadyLength);
        int score = sequence.nextScore();
        return score < sequence.promptLength() ? Math.min(limit, score - 1) : limit;
    }

    /** The most blocks there can be. */
    int capacity() {
        return blocks.capacity();
    }

    /** The blocks that can be had without touching adapters: free ones and those that only the cache holds. */
    int obtainable() {
        return blocks.available() + cache.unused();
    }

    /** Whether this many blocks can be had; idle adapters are given up if it takes that. */
    boolean hasRoomFor(int count) {
        while (obtainable() < count) {
            // Adapters don't help where the number of blocks is the limit.
            if (blocks.belowLimit() + cache.unused() < count || !residency.evictOne()) {
                return false;
            }
        }
        return true;
    }

    /** Adds what blocks are missing to compute the sequence's expected tokens; false, with some added, if they ran out. */
    boolean grow(Sequence sequence) {
        for (int missing = sequence.missingBlocks(); missing > 0; missing--) {
            int block = acquire();
            if (block == KvBlocks.NONE) {
                return false;
            }
            sequence.addBlock(block);
        }
        return true;
    }

    private int acquire() {
        while (true) {
            int block = blocks.acquire();
            if (block != KvBlocks.NONE || !evictOldest()) {
                return block;
            }
        }
    }

    private boolean evictOldest() {
        if (blocks.belowLimit() == 0) {
            return cache.evictOne();
        }
        if (residency.oldestUse() < cache.oldestUse()) {
            return residency.evictOne() || cache.evictOne();
        }
        return cache.evictOne() || residency.evictOne();
    }

    /**
     * Puts the sequence's full blocks into the prefix cache. Where the cache has the same tokens already, the sequence
     * reads the cache's block from now on, and its own goes back.
     */
    void publish(Sequence sequence) {
        RadixNode node = sequence.prefix();
        if (node == null || sequence.promptLength() > steadyLength) {
            return;
        }
        int full = Math.min(sequence.computed(), steadyLength) / KvLayout.BLOCK_TOKENS;
        while (node.depth() < full) {
            int own = sequence.blocks()[node.depth()];
            node = cache.extend(node, sequence.tokens(), own);
            if (node.block() != own) {
                flights.whenLanded(() -> blocks.release(own));
            }
        }
        sequence.share(node);
    }

    /** Takes all blocks of a sequence back and stops it. */
    void release(Sequence sequence) {
        RadixNode node = sequence.prefix();
        if (node == null) {
            return;
        }
        int[] own = Arrays.copyOfRange(sequence.blocks(), sequence.sharedBlocks(), sequence.blockCount());
        sequence.stop();
        flights.whenLanded(() -> {
            for (int block : own) {
                blocks.release(block);
            }
            cache.release(node);
        });
    }
}
