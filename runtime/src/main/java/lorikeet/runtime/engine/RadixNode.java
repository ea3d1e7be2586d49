package lorikeet.runtime.engine;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import lorikeet.kernels.KvLayout;
import org.jspecify.annotations.Nullable;

/**
 * A node of the prefix cache's tree, whose digits are whole blocks of tokens: it stands for all tokens from the root to
 * its own, and has the KV block of the last {@value KvLayout#BLOCK_TOKENS} of them. A root has none.
 */
final class RadixNode {
    private final @Nullable RadixNode parent;
    private final @Nullable Digit digit;
    private final int block;
    private final int depth;
    private final long number;
    private final Map<Digit, RadixNode> children = new HashMap<>(2);
    private int holders;
    private long lastUse;

    /** The tokens of one block. */
    private static final class Digit {
        private final int[] tokens;

        Digit(int[] source, int from) {
            tokens = Arrays.copyOfRange(source, from, from + KvLayout.BLOCK_TOKENS);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Digit digit && Arrays.equals(tokens, digit.tokens);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(tokens);
        }
    }

    private RadixNode(@Nullable RadixNode parent, @Nullable Digit digit, int block, long number) {
        this.parent = parent;
        this.digit = digit;
        this.block = block;
        this.number = number;
        this.depth = parent == null ? 0 : parent.depth + 1;
    }

    /** The root of a tree. */
    static RadixNode root() {
        return new RadixNode(null, null, -1, 0);
    }

    /** The number of blocks from the root to here. */
    int depth() {
        return depth;
    }

    /** The block that it has; a root has none. */
    int block() {
        return block;
    }

    /** The node for one block less; not for a root. */
    RadixNode parent() {
        return Objects.requireNonNull(parent, "a root has no parent");
    }

    /** The node for these tokens and the block that starts at {@code from}, or null. */
    @Nullable
    RadixNode child(int[] tokens, int from) {
        return children.isEmpty() ? null : children.get(new Digit(tokens, from));
    }

    /**
     * Adds a node for the block that starts at {@code from}; there must be none.
     *
     * @param newNumber unlike that of any other node
     */
    RadixNode add(int[] tokens, int from, int newBlock, long newNumber) {
        Digit key = new Digit(tokens, from);
        RadixNode node = new RadixNode(this, key, newBlock, newNumber);
        RadixNode before = children.put(key, node);
        if (before != null) {
            throw new IllegalStateException("there is a node for these tokens");
        }
        return node;
    }

    /** Takes it out of the tree. */
    void remove() {
        parent().children.remove(Objects.requireNonNull(digit));
    }

    Collection<RadixNode> children() {
        return children.values();
    }

    boolean isLeaf() {
        return children.isEmpty();
    }

    /** How many sequences read its block. */
    int holders() {
        return holders;
    }

    void holders(int value) {
        holders = value;
    }

    /** The number of the step in which it was used last. */
    long lastUse() {
        return lastUse;
    }

    void lastUse(long step) {
        lastUse = step;
    }

    /** Tells it from all other nodes. */
    long number() {
        return number;
    }
}
