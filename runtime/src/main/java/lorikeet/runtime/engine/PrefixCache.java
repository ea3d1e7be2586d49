package lorikeet.runtime.engine;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import lorikeet.kernels.KvLayout;
import org.jspecify.annotations.Nullable;

/**
 * The KV blocks of texts that were computed before, to be found by the texts that begin with the same tokens. There is a
 * radix tree of blocks for each key: an adapter's id, or 0 for the base model, so that what one load of an adapter
 * computed is never used with another. Only full blocks are kept.
 *
 * <p>Blocks are counted by the sequences that hold them. Those that nobody holds are given up when memory is needed: the
 * one that was used longest ago first, and each only after those that build on it. Engine thread only.
 */
final class PrefixCache implements Reclaimer {
    private static final Comparator<RadixNode> OLDEST_FIRST =
            Comparator.<RadixNode>comparingLong(RadixNode::lastUse).thenComparingLong(RadixNode::number);

    private final KvBlocks blocks;
    private final Map<Long, RadixNode> roots = new HashMap<>();

    /** The leaves that nobody holds. */
    private final TreeSet<RadixNode> evictable = new TreeSet<>(OLDEST_FIRST);

    private long step;
    private long nodes;
    private int size;
    private int unused;

    /** A cache that gives blocks back to {@code blocks}. */
    PrefixCache(KvBlocks blocks) {
        this.blocks = blocks;
    }

    /** Says what is the current step, by which uses are dated. */
    void step(long value) {
        step = value;
    }

    /** The number of blocks in the cache. */
    int size() {
        return size;
    }

    /** The number of blocks that nobody holds; all of them can be given up. */
    int unused() {
        return unused;
    }

    /** The node of the longest known beginning of the first {@code limit} tokens; a root if none is known. */
    RadixNode find(long key, int[] tokens, int limit) {
        RadixNode node = roots.computeIfAbsent(key, absent -> RadixNode.root());
        for (int from = 0; from + KvLayout.BLOCK_TOKENS <= limit; from += KvLayout.BLOCK_TOKENS) {
            RadixNode next = node.child(tokens, from);
            if (next == null) {
                return node;
            }
            node = next;
        }
        return node;
    }

    /** Keeps all blocks up to {@code node} from being given up, until {@link #release}. */
    void hold(RadixNode node) {
        for (RadixNode at = node; at.depth() > 0; at = at.parent()) {
            holdOne(at);
        }
    }

    private void holdOne(RadixNode node) {
        if (node.holders() == 0) {
            unused--;
            evictable.remove(node);
        }
        node.holders(node.holders() + 1);
    }

    /** Ends a {@link #hold}. */
    void release(RadixNode node) {
        for (RadixNode at = node; at.depth() > 0; at = at.parent()) {
            if (at.holders() == 0) {
                throw new IllegalStateException("released more often than held");
            }
            at.holders(at.holders() - 1);
            at.lastUse(step);
            if (at.holders() == 0) {
                unused++;
                offer(at);
            }
        }
    }

    /**
     * Adds the block that follows {@code node}, which the caller holds. The cache owns it from then on, and the caller
     * holds it.
     *
     * @param tokens the whole text; the block has those from {@code node.depth() * 16} on
     * @return the node of these tokens. If its block is another one, the tokens were known, and the caller keeps
     *     {@code block}
     */
    RadixNode extend(RadixNode node, int[] tokens, int block) {
        int from = node.depth() * KvLayout.BLOCK_TOKENS;
        RadixNode next = node.child(tokens, from);
        if (next == null) {
            next = node.add(tokens, from, block, ++nodes);
            size++;
            unused++;
        }
        holdOne(next);
        return next;
    }

    /**
     * Gives up one block.
     *
     * @return false if all are held
     */
    boolean evictOne() {
        RadixNode oldest = evictable.pollFirst();
        if (oldest == null) {
            return false;
        }
        remove(oldest);
        RadixNode parent = oldest.parent();
        if (parent.depth() > 0) {
            offer(parent);
        }
        return true;
    }

    private void remove(RadixNode node) {
        node.remove();
        size--;
        unused--;
        blocks.release(node.block());
    }

    private void offer(RadixNode node) {
        if (node.isLeaf() && node.holders() == 0) {
            evictable.add(node);
        }
    }

    /** Forgets all texts of this key; those that are held stay until they are released and given up. */
    void forget(long key) {
        RadixNode root = roots.remove(key);
        if (root == null) {
            return;
        }
        Deque<RadixNode> open = new ArrayDeque<>(root.children());
        Deque<RadixNode> childrenFirst = new ArrayDeque<>();
        while (!open.isEmpty()) {
            RadixNode node = open.pop();
            childrenFirst.push(node);
            open.addAll(node.children());
        }
        for (RadixNode node : childrenFirst) {
            if (node.isLeaf() && node.holders() == 0) {
                evictable.remove(node);
                remove(node);
            }
        }
    }

    /** Forgets everything; nothing may be held. */
    void clear() {
        for (Long key : roots.keySet().toArray(Long[]::new)) {
            forget(key);
        }
    }

    @Override
    public boolean freeSlab() {
        int before = blocks.slabs();
        while (blocks.slabs() == before) {
            if (!evictOne()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public long oldestUse() {
        @Nullable RadixNode oldest = evictable.isEmpty() ? null : evictable.first();
        return oldest == null ? Long.MAX_VALUE : oldest.lastUse();
    }
}
