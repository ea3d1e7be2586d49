package lorikeet.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import lorikeet.kernels.KvLayout;
import lorikeet.memory.ElementType;
import lorikeet.memory.SlabPool;
import org.junit.jupiter.api.Test;

/** Blocks are cut from slabs that adapters use too. */
final class KvBlocksTest {
    private static final KvLayout LAYOUT = FakeDevice.LAYOUT;
    private static final long BYTES = LAYOUT.blockBytes();

    @Test
    void slabsAreTwoMebibytesOrOneBlock() {
        assertThat(KvBlocks.slabBytes(LAYOUT)).isEqualTo(2 << 20);
        KvLayout llama8b = new KvLayout(32, 8, 128, ElementType.BF16);
        assertThat(KvBlocks.slabBytes(llama8b)).isEqualTo(2 << 20);
        KvLayout odd = new KvLayout(33, 9, 100, ElementType.F32);
        assertThat(KvBlocks.slabBytes(odd)).isGreaterThanOrEqualTo(odd.blockBytes());
        assertThat(KvBlocks.slabBytes(odd) % 256).isZero();
        assertThat(KvBlocks.slabBytes(odd) - odd.blockBytes()).isLessThan(256);
    }

    @Test
    void blocksDontOverlapAndSlabsGoBack() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        try (SlabPool pool = new SlabPool(5 * BYTES + 64, 7)) {
            KvBlocks blocks = new KvBlocks(LAYOUT, pool, Integer.MAX_VALUE);
            assertThat(blocks.capacity()).isEqualTo(35);
            Map<Integer, Byte> lent = new HashMap<>();
            Set<Integer> others = new HashSet<>();
            for (int round = 0; round < 20_000; round++) {
                if (random.nextInt(10) == 0) {
                    takeOrGiveASlab(pool, others, random);
                }
                if (random.nextInt(5) < 2 + round / 4000 % 2) {
                    int available = blocks.available();
                    int block = blocks.acquire();
                    assertThat(block == KvBlocks.NONE).as("seed %d", seed).isEqualTo(available == 0);
                    if (block != KvBlocks.NONE) {
                        byte mark = (byte) random.nextInt();
                        assertThat(lent.put(block, mark)).as("seed %d", seed).isNull();
                        blocks.block(block).fill(mark);
                    }
                } else if (!lent.isEmpty()) {
                    int block = lent.keySet().stream()
                            .skip(random.nextInt(lent.size()))
                            .findFirst()
                            .orElseThrow();
                    assertMark(blocks.block(block), lent.getOrDefault(block, (byte) 0), seed);
                    lent.remove(block);
                    blocks.release(block);
                }
                assertThat(blocks.lent()).isEqualTo(lent.size());
                long slabs = lent.keySet().stream()
                        .map(block -> block / 5)
                        .distinct()
                        .count();
                assertThat(blocks.slabs()).as("seed %d", seed).isEqualTo((int) slabs);
                assertThat(pool.available()).as("seed %d", seed).isEqualTo(7 - (int) slabs - others.size());
            }
            lent.forEach((block, mark) -> assertMark(blocks.block(block), mark, seed));
        }
    }

    private static void takeOrGiveASlab(SlabPool pool, Set<Integer> others, SplittableRandom random) {
        if (others.size() < 3 && random.nextBoolean()) {
            int slab = pool.acquire();
            if (slab != SlabPool.NONE) {
                others.add(slab);
            }
        } else if (!others.isEmpty()) {
            int slab = others.iterator().next();
            others.remove(slab);
            pool.release(slab);
        }
    }

    private static void assertMark(MemorySegment block, byte mark, long seed) {
        assertThat(block.byteSize()).isGreaterThanOrEqualTo(BYTES);
        for (long i = 0; i < BYTES; i += 37) {
            assertThat(block.get(java.lang.foreign.ValueLayout.JAVA_BYTE, i))
                    .as("seed %d", seed)
                    .isEqualTo(mark);
        }
    }

    @Test
    void aLimitBelowThePoolHolds() {
        try (SlabPool pool = new SlabPool(4 * BYTES, 10)) {
            KvBlocks blocks = new KvBlocks(LAYOUT, pool, 6);
            assertThat(blocks.capacity()).isEqualTo(6);
            for (int i = 0; i < 6; i++) {
                assertThat(blocks.acquire()).isNotEqualTo(KvBlocks.NONE);
            }
            assertThat(blocks.available()).isZero();
            assertThat(blocks.acquire()).isEqualTo(KvBlocks.NONE);
        }
    }

    @Test
    void refusesToTakeBackWhatIsNotLent() {
        try (SlabPool pool = new SlabPool(4 * BYTES, 10)) {
            KvBlocks blocks = new KvBlocks(LAYOUT, pool, 6);
            int block = blocks.acquire();
            blocks.release(block);
            assertThatThrownBy(() -> blocks.release(block)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> blocks.release(-1)).isInstanceOf(IllegalStateException.class);
        }
    }
}
