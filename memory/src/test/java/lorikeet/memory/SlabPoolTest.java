package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SlabPoolTest {
    private static final int SLAB = 4096;

    /** As many slabs as the pool reserves at a time. */
    private static final int CHUNK = (32 << 20) / SLAB;

    /** Slabs so large that each chunk has two. */
    private static final long LARGE = 16 << 20;

    @Test
    void lendsSlabsUntilThereAreNoMore() {
        try (SlabPool pool = new SlabPool(SLAB, 3)) {
            Set<Integer> lent = new HashSet<>(List.of(pool.acquire(), pool.acquire(), pool.acquire()));

            assertThat(lent).hasSize(3).doesNotContain(SlabPool.NONE);
            assertThat(pool.available()).isZero();
            assertThat(pool.acquire()).isEqualTo(SlabPool.NONE);
            pool.release(1);
            assertThat(pool.available()).isEqualTo(1);
            assertThat(pool.acquire()).isEqualTo(1);
        }
    }

    @Test
    void givesEachSlabItsOwnAlignedMemory() {
        try (SlabPool pool = new SlabPool(SLAB, 100)) {
            for (int i = 0; i < 100; i++) {
                MemorySegment memory = pool.memory(pool.acquire());
                assertThat(memory.byteSize()).isEqualTo(SLAB);
                assertThat(memory.address() % 4096).isZero();
                memory.fill((byte) i);
            }
            Set<Byte> seen = new HashSet<>();
            for (int i = 0; i < 100; i++) {
                byte first = pool.memory(i).get(ValueLayout.JAVA_BYTE, 0);
                assertThat(pool.memory(i).get(ValueLayout.JAVA_BYTE, SLAB - 1)).isEqualTo(first);
                seen.add(first);
            }
            assertThat(seen).hasSize(100);
        }
    }

    @Test
    void alignsSmallSlabsToCacheLines() {
        try (SlabPool pool = new SlabPool(192, 10)) {
            for (int i = 0; i < 10; i++) {
                assertThat(pool.memory(pool.acquire()).address() % 64).isZero();
            }
        }
    }

    @Test
    void reservesOnlyWhatIsNeeded() {
        try (SlabPool pool = new SlabPool(2 << 20, Integer.MAX_VALUE)) {
            assertThat(pool.reservedBytes()).isZero();
            assertThat(pool.available()).isEqualTo(Integer.MAX_VALUE);
            pool.acquire();
            assertThat(pool.reservedBytes()).isEqualTo(32 << 20);
            assertThat(pool.available()).isEqualTo(Integer.MAX_VALUE - 1);
        }
    }

    @Test
    void leasesAllOrNothing() {
        try (SlabPool pool = new SlabPool(SLAB, 5)) {
            SlabLease three = pool.lease(3).orElseThrow();

            assertThat(pool.lease(3)).isEmpty();
            assertThat(pool.available()).isEqualTo(2);
            three.close();
            assertThat(pool.available()).isEqualTo(5);
            assertThat(pool.lease(5)).isPresent();
            assertThat(pool.lease(1)).isEmpty();
        }
    }

    @Test
    void leasesNeighboursWhileThereAreAny() {
        try (SlabPool pool = new SlabPool(SLAB, 10)) {
            SlabLease first = pool.lease(4).orElseThrow();
            SlabLease second = pool.lease(3).orElseThrow();
            assertThat(first.memory())
                    .singleElement()
                    .extracting(MemorySegment::byteSize)
                    .isEqualTo(4L * SLAB);
            assertThat(second.slabs()).containsExactly(4, 5, 6);
            first.close();

            assertThat(pool.lease(3).orElseThrow().slabs())
                    .as("the run that fits best")
                    .containsExactly(7, 8, 9);
            SlabLease rest = pool.lease(4).orElseThrow();
            assertThat(rest.slabs()).containsExactly(0, 1, 2, 3);
        }
    }

    @Test
    void leasesApartIfItMust() {
        try (SlabPool pool = new SlabPool(SLAB, 6)) {
            List<SlabLease> singles = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                singles.add(pool.lease(1).orElseThrow());
            }
            for (int i : new int[] {0, 2, 3, 5}) {
                singles.get(i).close();
            }

            assertThat(pool.leaseRun(3)).isEmpty();
            SlabLease lease = pool.lease(4).orElseThrow();
            assertThat(lease.slabs()).containsExactlyInAnyOrder(0, 2, 3, 5);
            assertThat(lease.memory()).hasSize(3);
            assertThat(lease.memory().getFirst().byteSize())
                    .as("the longest first")
                    .isEqualTo(2L * SLAB);
        }
    }

    @Test
    void leasesARunThatIsLongerThanAChunk() {
        try (SlabPool pool = new SlabPool(SLAB, 3 * CHUNK)) {
            pool.acquire();
            SlabLease run = pool.leaseRun(CHUNK + 1).orElseThrow();

            assertThat(run.memory())
                    .singleElement()
                    .extracting(MemorySegment::byteSize)
                    .isEqualTo((CHUNK + 1L) * SLAB);
            assertThat(pool.leaseRun(CHUNK)).as("apart: %d", pool.available()).isEmpty();
            assertThat(pool.lease(CHUNK)).isPresent();
        }
    }

    @Test
    void neverTakesSlabsOfTwoChunksForNeighbours() {
        try (SlabPool pool = new SlabPool(LARGE, 4)) {
            SlabLease all = pool.lease(2).orElseThrow();
            SlabLease more = pool.lease(2).orElseThrow();
            all.close();
            more.close();

            assertThat(pool.leaseRun(3)).isEmpty();
            SlabLease three = pool.lease(3).orElseThrow();
            assertThat(three.memory()).extracting(MemorySegment::byteSize).containsExactly(2 * LARGE, LARGE);
        }
    }

    @Test
    void countsOnlyTheFirstClose() {
        try (SlabPool pool = new SlabPool(SLAB, 2)) {
            SlabLease lease = pool.lease(1).orElseThrow();
            lease.close();
            SlabLease next = pool.lease(2).orElseThrow();
            lease.close();

            assertThat(pool.available()).isZero();
            next.close();
            assertThat(pool.available()).isEqualTo(2);
        }
    }

    @Test
    void refusesASlabThatIsNotLent() {
        try (SlabPool pool = new SlabPool(SLAB, 2)) {
            int slab = pool.acquire();
            pool.release(slab);

            assertThatThrownBy(() -> pool.release(slab)).isInstanceOf(IllegalStateException.class);
            for (int none : new int[] {-1, 2, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                assertThatThrownBy(() -> pool.release(none)).isInstanceOf(IllegalStateException.class);
                assertThatThrownBy(() -> pool.memory(none)).isInstanceOf(IndexOutOfBoundsException.class);
            }
            assertThat(pool.available()).isEqualTo(2);
        }
    }

    @Test
    void freesEverythingWhenItIsClosed() {
        SlabPool pool = new SlabPool(SLAB, 10);
        int slab = pool.acquire();
        SlabLease lease = pool.lease(2).orElseThrow();
        MemorySegment memory = lease.memory().getFirst();

        pool.close();
        pool.close();

        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(pool::acquire).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool.lease(1)).isInstanceOf(IllegalStateException.class);
        assertThatCode(lease::close).doesNotThrowAnyException();
        assertThatCode(() -> pool.release(slab)).doesNotThrowAnyException();
    }

    @Test
    void goesOnWithWhatItHasWhenTheSystemGivesNoMore() {
        try (SlabPool pool = new SlabPool(1L << 40, 8)) {
            assertThat(pool.lease(4)).isEmpty();
            assertThat(pool.acquire()).isEqualTo(SlabPool.NONE);
            assertThat(pool.capacity()).isZero();
            assertThat(pool.available()).isZero();
        }
    }

    @Test
    void takesLessWhereThereIsLess() {
        AtomicLong left = new AtomicLong(40 * SLAB);
        HostSlabs host = new HostSlabs();
        SlabSource scarce = new SlabSource() {
            @Override
            public long chunkBytes() {
                return Long.MAX_VALUE;
            }

            @Override
            public Optional<MemorySegment> reserve(long bytes) {
                return left.addAndGet(-bytes) >= 0 ? host.reserve(bytes) : refuse(bytes);
            }

            private Optional<MemorySegment> refuse(long bytes) {
                left.addAndGet(bytes);
                return Optional.empty();
            }

            @Override
            public void close() {
                host.close();
            }
        };
        try (SlabPool pool = new SlabPool(SLAB, 1000, scarce)) {
            int lent = 0;
            while (pool.acquire() != SlabPool.NONE) {
                lent++;
            }
            assertThat(lent).isEqualTo(40);
            assertThat(pool.capacity()).isEqualTo(40);
            assertThat(pool.available()).isZero();
        }
    }

    @Test
    void refusesSizesThatMakeNoSense() {
        for (long bytes : new long[] {0, -64, 100, 32}) {
            assertThatThrownBy(() -> new SlabPool(bytes, 1)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> new SlabPool(SLAB, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new SlabPool(1L << 40, 1 << 30)).isInstanceOf(ArithmeticException.class);
        try (SlabPool pool = new SlabPool(SLAB, 1)) {
            assertThatThrownBy(() -> pool.lease(0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> pool.leaseRun(-1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void allocatesNothingForSingleSlabs() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (SlabPool pool = new SlabPool(SLAB, 100)) {
            pool.release(pool.acquire());
            long used = 0;
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                int slab = pool.acquire();
                used += pool.memory(slab).byteSize();
                pool.release(slab);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;

            assertThat(used).isEqualTo(10_000L * SLAB);
            assertThat(allocated).isLessThan(10_000);
        }
    }

    /** Against a plain set of lent slabs, for any order of calls. */
    @Test
    void neverLendsASlabTwice() {
        for (long seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            int capacity = 1 + random.nextInt(7);
            try (SlabPool pool = new SlabPool(LARGE, capacity)) {
                Set<Integer> lent = new HashSet<>();
                List<Integer> singles = new ArrayList<>();
                List<SlabLease> leases = new ArrayList<>();
                for (int step = 0; step < 200; step++) {
                    String at = "seed " + seed + ", step " + step;
                    int count = 1 + random.nextInt(4);
                    switch (random.nextInt(5)) {
                        case 0 -> {
                            int slab = pool.acquire();
                            assertThat(slab == SlabPool.NONE).as(at).isEqualTo(lent.size() == capacity);
                            if (slab != SlabPool.NONE) {
                                assertThat(lent.add(slab)).as(at).isTrue();
                                singles.add(slab);
                            }
                        }
                        case 1, 2 -> {
                            boolean run = random.nextBoolean();
                            Optional<SlabLease> lease = run ? pool.leaseRun(count) : pool.lease(count);
                            if (!run) {
                                assertThat(lease.isPresent()).as(at).isEqualTo(lent.size() + count <= capacity);
                            }
                            lease.ifPresent(taken -> {
                                assertThat(taken.slabs()).as(at).hasSize(count);
                                for (int slab : taken.slabs()) {
                                    assertThat(lent.add(slab)).as(at).isTrue();
                                }
                                assertThat(taken.memory().stream()
                                                .mapToLong(MemorySegment::byteSize)
                                                .sum())
                                        .as(at)
                                        .isEqualTo(count * LARGE);
                                assertThat(!run || taken.memory().size() == 1)
                                        .as(at)
                                        .isTrue();
                                assertThat(taken.memory().getFirst().address())
                                        .as(at)
                                        .isEqualTo(pool.memory(taken.slabs()[0]).address());
                                leases.add(taken);
                            });
                        }
                        case 3 -> {
                            if (!singles.isEmpty()) {
                                Collections.swap(singles, random.nextInt(singles.size()), singles.size() - 1);
                                Integer slab = singles.removeLast();
                                pool.release(slab);
                                lent.remove(slab);
                            }
                        }
                        default -> {
                            if (!leases.isEmpty()) {
                                SlabLease lease = leases.remove(random.nextInt(leases.size()));
                                lease.close();
                                for (int slab : lease.slabs()) {
                                    lent.remove(slab);
                                }
                            }
                        }
                    }
                    assertThat(pool.available()).as(at).isEqualTo(capacity - lent.size());
                }
            }
        }
    }

    @Test
    void lendsToManyThreads() throws Exception {
        try (SlabPool pool = new SlabPool(SLAB, 50);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            Set<Integer> lent = ConcurrentHashMap.newKeySet();
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                done.add(threads.submit(() -> {
                    for (int i = 0; i < 5_000; i++) {
                        int slab = pool.acquire();
                        assertThat(lent.add(slab)).isTrue();
                        Optional<SlabLease> lease = pool.lease(1 + i % 10);
                        for (int other : lease.map(SlabLease::slabs).orElse(new int[0])) {
                            assertThat(lent.add(other)).isTrue();
                            pool.memory(other).set(ValueLayout.JAVA_BYTE, 0, (byte) i);
                        }
                        for (int other : lease.map(SlabLease::slabs).orElse(new int[0])) {
                            lent.remove(other);
                        }
                        lease.ifPresent(SlabLease::close);
                        lent.remove(slab);
                        pool.release(slab);
                    }
                }));
            }
            for (Future<?> thread : done) {
                thread.get();
            }
            assertThat(pool.available()).isEqualTo(50);
        }
    }
}
