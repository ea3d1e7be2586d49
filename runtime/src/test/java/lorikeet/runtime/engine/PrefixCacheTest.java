package lorikeet.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import lorikeet.kernels.KvLayout;
import lorikeet.memory.SlabPool;
import org.junit.jupiter.api.Test;

/** The radix tree against a map of all beginnings. */
final class PrefixCacheTest {
    private static final int BLOCK = KvLayout.BLOCK_TOKENS;

    private final SlabPool pool = new SlabPool(4 * FakeDevice.LAYOUT.blockBytes(), 100);
    private final KvBlocks blocks = new KvBlocks(FakeDevice.LAYOUT, pool, Integer.MAX_VALUE);
    private final PrefixCache cache = new PrefixCache(blocks);

    /** A beginning of a text under a key. */
    private record Beginning(long key, List<Integer> tokens) {
        static Beginning of(long key, int[] tokens, int length) {
            return new Beginning(key, Arrays.stream(tokens, 0, length).boxed().toList());
        }
    }

    private RadixNode insert(long key, int[] tokens) {
        RadixNode node = cache.find(key, tokens, tokens.length);
        cache.hold(node);
        while ((node.depth() + 1) * BLOCK <= tokens.length) {
            node = cache.extend(node, tokens, blocks.acquire());
        }
        return node;
    }

    @Test
    void findsTheLongestBeginningInWholeBlocks() {
        int[] text = HandSteppedEngine.prompt(1, 70);
        RadixNode node = insert(5, text);
        assertThat(node.depth()).isEqualTo(4);
        assertThat(cache.find(5, text, 70)).isSameAs(node);
        assertThat(cache.find(5, text, 63).depth()).isEqualTo(3);
        assertThat(cache.find(5, text, 15).depth()).isZero();
        assertThat(cache.find(6, text, 70).depth()).isZero();
        int[] other = text.clone();
        other[40]++;
        assertThat(cache.find(5, other, 70).depth()).isEqualTo(2);
        cache.release(node);
    }

    @Test
    void givesUpLeavesFirstAndTheOldestOfThem() {
        int[] old = HandSteppedEngine.prompt(1, 48);
        int[] recent = HandSteppedEngine.prompt(2, 48);
        cache.step(1);
        cache.release(insert(0, old));
        cache.step(2);
        cache.release(insert(0, recent));
        assertThat(cache.oldestUse()).isEqualTo(1);
        for (int left = 2; left >= 0; left--) {
            assertThat(cache.evictOne()).isTrue();
            assertThat(cache.find(0, old, 48).depth()).isEqualTo(left);
        }
        assertThat(cache.find(0, recent, 48).depth()).isEqualTo(3);
        assertThat(cache.oldestUse()).isEqualTo(2);
    }

    @Test
    void whatIsHeldStays() {
        int[] text = HandSteppedEngine.prompt(1, 64);
        RadixNode whole = insert(0, text);
        RadixNode half = cache.find(0, text, 32);
        cache.hold(half);
        cache.release(whole);
        assertThat(cache.unused()).isEqualTo(2);
        assertThat(cache.evictOne()).isTrue();
        assertThat(cache.evictOne()).isTrue();
        assertThat(cache.evictOne()).isFalse();
        assertThat(cache.find(0, text, 64)).isSameAs(half);
        cache.forget(0);
        assertThat(cache.size()).isEqualTo(2);
        cache.release(half);
        assertThat(cache.evictOne()).isTrue();
        assertThat(cache.evictOne()).isTrue();
        assertThat(blocks.lent()).isZero();
    }

    @Test
    void freesSlabsForAdapters() {
        cache.release(insert(0, HandSteppedEngine.prompt(1, 10 * BLOCK)));
        assertThat(blocks.slabs()).isEqualTo(3);
        assertThat(cache.freeSlab()).isTrue();
        assertThat(blocks.slabs()).isEqualTo(2);
        assertThat(cache.freeSlab()).isTrue();
        assertThat(cache.freeSlab()).isTrue();
        assertThat(cache.freeSlab()).isFalse();
        assertThat(pool.available()).isEqualTo(pool.capacity());
    }

    @Test
    void behavesLikeAMapOfBeginnings() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        Map<Beginning, Integer> model = new HashMap<>();
        List<RadixNode> held = new ArrayList<>();
        for (int round = 0; round < 20_000; round++) {
            cache.step(round);
            switch (random.nextInt(6)) {
                case 0, 1, 2 -> {
                    long key = random.nextInt(3);
                    int[] tokens = text(random);
                    RadixNode node = insert(key, tokens);
                    held.add(node);
                    int[] path = path(node);
                    for (int depth = 1; depth <= path.length; depth++) {
                        Integer before = model.put(Beginning.of(key, tokens, depth * BLOCK), path[depth - 1]);
                        if (before != null) {
                            assertThat(path[depth - 1]).as("seed %d", seed).isEqualTo(before);
                        }
                    }
                }
                case 3 -> {
                    if (!held.isEmpty()) {
                        cache.release(held.remove(random.nextInt(held.size())));
                    }
                }
                case 4 -> {
                    int before = cache.size();
                    boolean evicted = cache.evictOne();
                    assertThat(evicted).as("seed %d", seed).isEqualTo(before > distinctHeld(held));
                    model.keySet().removeIf(beginning -> !isKnown(beginning));
                    assertThat(model).as("seed %d", seed).hasSize(before - (evicted ? 1 : 0));
                }
                default -> {
                    long key = random.nextInt(3);
                    int[] tokens = text(random);
                    int depth = cache.find(key, tokens, tokens.length).depth();
                    for (int blocks = 1; blocks * BLOCK <= tokens.length; blocks++) {
                        assertThat(model.containsKey(Beginning.of(key, tokens, blocks * BLOCK)))
                                .as("seed %d", seed)
                                .isEqualTo(blocks <= depth);
                    }
                }
            }
            assertThat(cache.size()).as("seed %d", seed).isEqualTo(model.size());
            assertThat(blocks.lent()).as("seed %d", seed).isEqualTo(model.size());
            assertThat(cache.size() - cache.unused()).as("seed %d", seed).isEqualTo(distinctHeld(held));
            while (held.size() > 12 || blocks.available() < 10) {
                if (held.isEmpty()) {
                    cache.clear();
                    model.clear();
                } else {
                    cache.release(held.removeFirst());
                }
            }
        }
    }

    private boolean isKnown(Beginning beginning) {
        int[] tokens = beginning.tokens().stream().mapToInt(Integer::intValue).toArray();
        return cache.find(beginning.key(), tokens, tokens.length).depth() * BLOCK == tokens.length;
    }

    private static int distinctHeld(List<RadixNode> held) {
        return (int) held.stream()
                .flatMap(one -> {
                    List<RadixNode> nodes = new ArrayList<>();
                    for (RadixNode at = one; at.depth() > 0; at = at.parent()) {
                        nodes.add(at);
                    }
                    return nodes.stream();
                })
                .distinct()
                .count();
    }

    private static int[] path(RadixNode node) {
        int[] path = new int[node.depth()];
        for (RadixNode at = node; at.depth() > 0; at = at.parent()) {
            path[at.depth() - 1] = at.block();
        }
        return path;
    }

    /** Of few different ones, so that many begin alike. */
    private static int[] text(SplittableRandom random) {
        int[] tokens = new int[random.nextInt(5 * BLOCK)];
        for (int block = 0; block * BLOCK < tokens.length; block++) {
            Arrays.fill(tokens, block * BLOCK, Math.min(tokens.length, (block + 1) * BLOCK), random.nextInt(2));
        }
        return tokens;
    }
}
