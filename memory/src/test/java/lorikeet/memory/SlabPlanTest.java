package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SlabPlanTest {
    private static final int SLAB = 4096;

    private static MemorySegment at(SlabPlan plan, int tensor, SlabLease lease) {
        return plan.memory(tensor, lease.memory());
    }

    @Test
    void smallTensorsShareASlabAndLargeOnesGetARun() {
        SlabPlan plan = SlabPlan.of(new long[] {100, 9000, 300, 3000}, SLAB);
        assertThat(plan.runs()).as("9000 and 3000 bytes fill the first").isEqualTo(2);
        assertThat(plan.length(0)).isEqualTo(3);
        assertThat(plan.length(1)).isEqualTo(1);
        assertThat(SlabPlan.of(new long[] {SLAB, SLAB, 1}, SLAB).slabs()).isEqualTo(3);
        assertThat(SlabPlan.of(new long[] {}, SLAB).slabs()).isZero();
    }

    @Test
    void tensorsOfAnySizesLieApartAndAligned() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            long[] sizes = random.longs(random.nextInt(1, 60), 1, 3 * SLAB).toArray();
            SlabPlan plan = SlabPlan.of(sizes, SLAB);
            try (SlabPool pool = new SlabPool(SLAB, plan.slabs())) {
                SlabLease lease = pool.lease(plan).orElseThrow();
                assertThat(pool.available()).as("seed %d", seed).isZero();
                for (int i = 0; i < sizes.length; i++) {
                    MemorySegment memory = at(plan, i, lease);
                    assertThat(memory.byteSize()).isEqualTo(sizes[i]);
                    assertThat(memory.address() % SlabPlan.ALIGNMENT).isZero();
                    memory.fill((byte) i);
                }
                for (int i = 0; i < sizes.length; i++) {
                    byte expected = (byte) i;
                    assertThat(at(plan, i, lease).toArray(ValueLayout.JAVA_BYTE))
                            .as("seed %d", seed)
                            .containsOnly(expected);
                }
            }
        }
    }

    @Test
    void aPlanIsLentWholeOrNotAtAll() {
        SlabPlan plan = SlabPlan.of(new long[] {2 * SLAB, SLAB, SLAB}, SLAB);
        try (SlabPool pool = new SlabPool(SLAB, 6)) {
            List<Integer> lent = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                lent.add(pool.acquire());
            }
            lent.stream().filter(slab -> slab % 2 == 0).forEach(pool::release);
            pool.release(1);
            assertThat(pool.available()).isEqualTo(4);
            Optional<SlabLease> lease = pool.lease(plan);
            assertThat(lease).as("0, 1, 2 and 4 are free").isPresent();
            lease.orElseThrow().close();
            assertThat(pool.acquire()).isEqualTo(0);
            assertThat(pool.acquire()).isEqualTo(1);
            pool.release(0);
            pool.release(3);
            assertThat(pool.available()).as("0, 2, 3 and 4 are free").isEqualTo(4);
            assertThat(pool.lease(SlabPlan.of(new long[] {2 * SLAB, 2 * SLAB}, SLAB)))
                    .isEmpty();
            assertThat(pool.available()).isEqualTo(4);
        }
    }
}
