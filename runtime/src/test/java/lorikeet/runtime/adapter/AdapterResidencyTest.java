package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.AdapterState;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import lorikeet.runtime.engine.Reclaimer;
import lorikeet.runtime.engine.Residency.Presence;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Slabs for adapters, stepped by hand as the engine would. */
@Timeout(60)
class AdapterResidencyTest {
    private static final long SLAB = 1 << 13;
    private static final int CAPACITY = 40;

    @TempDir
    private Path folder;

    private final AdapterFiles files = new AdapterFiles();
    private final SlabPool pool = new SlabPool(SLAB, CAPACITY);
    private final Cache cache = new Cache();
    private final Semaphore news = new Semaphore(0);
    private final AdapterResidency residency =
            new AdapterResidency(files.operations(), pool, cache, () -> cache.step, news::release);
    private final AdapterRegistry registry = new AdapterRegistry(
            AdapterLimits.NONE,
            new DeviceAdapters(files.checkpoint(), files.base(), files.operations(), pool),
            residency::retire,
            AdapterJournal.NONE);
    private int slabsEach;

    /** Stands for the prefix cache: holds single slabs, the oldest first. */
    private final class Cache implements Reclaimer {
        private final List<Integer> slabs = new ArrayList<>();
        private final List<Long> uses = new ArrayList<>();
        private long step = 1;

        void take(int count) {
            for (int i = 0; i < count; i++) {
                slabs.add(pool.acquire());
                uses.add(step);
            }
        }

        @Override
        public boolean freeSlab() {
            if (slabs.isEmpty()) {
                return false;
            }
            pool.release(slabs.removeFirst());
            uses.removeFirst();
            return true;
        }

        @Override
        public long oldestUse() {
            return uses.isEmpty() ? Long.MAX_VALUE : uses.getFirst();
        }
    }

    @BeforeEach
    void measure() {
        try (LoadedAdapter one = files.load(AdapterFiles.RS_R16)) {
            slabsEach = one.prepare(files.operations(), SLAB).plan().slabs();
        }
        assertThat(CAPACITY / slabsEach).as("adapters that fit").isBetween(3, 8);
    }

    @AfterEach
    void closeAll() {
        residency.close();
        registry.close();
        cache.slabs.forEach(pool::release);
        assertThat(pool.available()).isEqualTo(CAPACITY);
        pool.close();
        files.close();
    }

    private AdapterLease lease(String name) {
        if (registry.find(name).isEmpty()) {
            registry.load(name, AdapterFiles.RS_R16, LoadSettings.DEFAULT);
        }
        return registry.lend(name).orElseThrow();
    }

    /** Asks until the copy has ended, one way or the other. */
    private Presence settle(AdapterLease lease) {
        Presence presence = residency.ask(lease);
        while (presence == Presence.COMING) {
            awaitNews();
            presence = residency.ask(lease);
        }
        return presence;
    }

    private void awaitNews() {
        try {
            assertThat(news.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        residency.poll();
    }

    private void awaitClosed(AdapterVersion version) {
        while (version.state() != AdapterState.CLOSED) {
            residency.poll();
            Thread.onSpinWait();
        }
    }

    /** Brings an adapter in, uses it, and lets it go. */
    private void use(String name) {
        try (AdapterLease lease = lease(name)) {
            assertThat(settle(lease)).isEqualTo(Presence.RESIDENT);
            residency.hold(lease);
            cache.step++;
            residency.release(lease);
        }
    }

    private boolean isResident(String name) {
        return registry.find(name).orElseThrow().isResident();
    }

    private static List<byte[]> bytes(AdapterWeights weights) {
        List<byte[]> all = new ArrayList<>();
        weights.map(new Delta.Mapping() {
            @Override
            public Matrix weight(Matrix matrix) {
                all.add(matrix.data().toArray(ValueLayout.JAVA_BYTE));
                return matrix;
            }

            @Override
            public Matrix magnitude(Matrix matrix) {
                return weight(matrix);
            }
        });
        return all;
    }

    @Test
    void whatComesIsWhatTheFileHas() {
        try (AdapterLease lease = lease("a")) {
            assertThat(residency.ask(lease)).isEqualTo(Presence.COMING);
            assertThat(residency.ask(lease)).isEqualTo(Presence.COMING);
            assertThat(settle(lease)).isEqualTo(Presence.RESIDENT);
            assertThat(bytes(residency.weights(lease)))
                    .usingElementComparator(Arrays::compare)
                    .containsExactlyElementsOf(bytes(lease.loaded().weights()));
            assertThat(lease.version().state()).isEqualTo(AdapterState.RESIDENT);
            assertThat(pool.available()).isEqualTo(CAPACITY - slabsEach);
        }
    }

    @Test
    void theLeastRecentlyUsedGoesFirstBeItAdapterOrCache() {
        use("a");
        cache.take(CAPACITY - 2 * slabsEach);
        cache.step++;
        use("b");
        assertThat(pool.available()).isZero();
        use("c");
        assertThat(isResident("a")).as("the oldest").isFalse();
        assertThat(cache.slabs).hasSize(CAPACITY - 2 * slabsEach);
        use("d");
        assertThat(cache.slabs).hasSizeLessThan(CAPACITY - 2 * slabsEach);
        assertThat(isResident("b")).isTrue();
        assertThat(registry.statistics())
                .filteredOn(counts -> counts.name().equals("a"))
                .allMatch(counts -> counts.evictions() == 1 && counts.fetches() == 1);
    }

    @Test
    void heldAndPinnedOnesStay() {
        int fit = CAPACITY / slabsEach;
        List<AdapterLease> held = new ArrayList<>();
        use("pinned");
        registry.pin("pinned", true);
        for (int i = 1; i < fit; i++) {
            AdapterLease lease = lease("held" + i);
            assertThat(settle(lease)).isEqualTo(Presence.RESIDENT);
            residency.hold(lease);
            residency.hold(lease);
            residency.release(lease);
            held.add(lease);
        }
        try (AdapterLease other = lease("other")) {
            assertThat(residency.ask(other)).isEqualTo(Presence.NO_ROOM);
            assertThat(residency.evictOne()).isFalse();
            assertThat(residency.oldestUse()).isEqualTo(Long.MAX_VALUE);
            residency.release(held.getFirst());
            held.removeFirst().close();
            assertThat(settle(other)).isEqualTo(Presence.RESIDENT);
        }
        assertThat(isResident("pinned")).isTrue();
        assertThat(isResident("held1")).isFalse();
        held.forEach(residency::release);
        held.forEach(AdapterLease::close);
        registry.pin("pinned", false);
        while (residency.evictOne()) {
            assertThat(residency.oldestUse()).isPositive();
        }
        assertThat(pool.available()).isEqualTo(CAPACITY);
    }

    @Test
    void oneThatIsAwaitedIsNotPushedOutByAnother() {
        int fit = CAPACITY / slabsEach;
        List<AdapterLease> awaited = new ArrayList<>();
        for (int i = 0; i < fit; i++) {
            awaited.add(lease("awaited" + i));
            assertThat(settle(awaited.getLast())).isEqualTo(Presence.RESIDENT);
        }
        try (AdapterLease other = lease("other")) {
            cache.step += 10;
            for (int round = 0; round < 10; round++) {
                awaited.forEach(residency::ask);
                assertThat(residency.ask(other)).isEqualTo(Presence.NO_ROOM);
                residency.poll();
            }
            awaited.removeFirst().close();
            assertThat(residency.ask(other)).as("its request was cancelled").isEqualTo(Presence.COMING);
            assertThat(settle(other)).isEqualTo(Presence.RESIDENT);
            try (AdapterLease another = lease("another")) {
                residency.poll();
                residency.poll();
                assertThat(residency.ask(another))
                        .as("nobody asks for the others any more")
                        .isEqualTo(Presence.COMING);
                assertThat(settle(another)).isEqualTo(Presence.RESIDENT);
            }
        }
        awaited.forEach(AdapterLease::close);
    }

    @Test
    void aRetiredOneGivesItsSlabsBackBeforeItsFilesAreClosed() {
        AdapterLease lease = lease("a");
        assertThat(settle(lease)).isEqualTo(Presence.RESIDENT);
        residency.hold(lease);
        registry.unload("a", new Unload.Now());
        assertThat(lease.isAborted()).isTrue();
        residency.release(lease);
        lease.close();
        assertThat(lease.version().state()).isEqualTo(AdapterState.DRAINING);
        awaitClosed(lease.version());
        assertThat(pool.available()).isEqualTo(CAPACITY);
        assertThatThrownBy(() -> residency.weights(lease)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void oneThatIsRetiredOnItsWayIsClosedAfterTheCopy() {
        AdapterLease lease = lease("a");
        assertThat(residency.ask(lease)).isEqualTo(Presence.COMING);
        registry.unload("a", new Unload.Now());
        lease.close();
        awaitClosed(lease.version());
        assertThat(pool.available()).isEqualTo(CAPACITY);
    }

    private AdapterLease copied(String name) throws IOException {
        Path at = AdapterFiles.copy(AdapterFiles.RS_R16, folder.resolve(name));
        Path file = at.resolve("adapter_model.safetensors");
        // Well in the past, so that any later writing shows, however coarse the clock of the file system is.
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_700_000_000_000L));
        registry.load(name, at, LoadSettings.DEFAULT);
        return registry.lend(name).orElseThrow();
    }

    private Path fileOf(String name) {
        return folder.resolve(name).resolve("adapter_model.safetensors");
    }

    private void assertRefused(AdapterLease lease) {
        assertThat(settle(lease)).isEqualTo(Presence.FAILED);
        assertThat(residency.failure(lease).code()).isEqualTo(ErrorCode.INVALID_FILE);
        assertThat(residency.failure(lease)).hasMessageContaining(lease.name());
        assertThat(lease.version().isResident()).isFalse();
        assertThat(pool.available()).isEqualTo(CAPACITY);
        cache.step++;
        assertThat(residency.ask(lease)).as("it stays so").isEqualTo(Presence.FAILED);
    }

    @Test
    void aFileCutShortIsRefused() throws IOException {
        try (AdapterLease lease = copied("short")) {
            try (FileChannel channel = FileChannel.open(fileOf("short"), StandardOpenOption.WRITE)) {
                channel.truncate(4096);
            }
            assertRefused(lease);
        }
    }

    @Test
    void aFileWrittenToIsRefused() throws IOException {
        try (AdapterLease lease = copied("overwritten")) {
            byte[] content = Files.readAllBytes(fileOf("overwritten"));
            content[content.length - 1] ^= 1;
            Files.write(fileOf("overwritten"), content);
            assertRefused(lease);
        }
    }

    @Test
    void aFileReplacedOrDeletedDoesNoHarm() throws IOException {
        try (AdapterLease replaced = copied("replaced");
                AdapterLease deleted = copied("deleted")) {
            Path other = Files.write(folder.resolve("other"), new byte[100]);
            Files.move(other, fileOf("replaced"), StandardCopyOption.REPLACE_EXISTING);
            Files.delete(fileOf("deleted"));
            Files.delete(folder.resolve("deleted/adapter_config.json"));
            Files.delete(folder.resolve("deleted"));
            assertThat(settle(replaced)).isEqualTo(Presence.RESIDENT);
            assertThat(settle(deleted)).isEqualTo(Presence.RESIDENT);
            assertThat(bytes(residency.weights(replaced)))
                    .usingElementComparator(Arrays::compare)
                    .containsExactlyElementsOf(bytes(residency.weights(deleted)));
        }
    }

    @Test
    void whatIsResidentStaysGoodWhateverBecomesOfTheFile() throws IOException {
        try (AdapterLease lease = copied("resident")) {
            assertThat(settle(lease)).isEqualTo(Presence.RESIDENT);
            List<byte[]> before = bytes(residency.weights(lease));
            Files.write(fileOf("resident"), new byte[0]);
            assertThat(residency.ask(lease)).isEqualTo(Presence.RESIDENT);
            assertThat(bytes(residency.weights(lease)))
                    .usingElementComparator(Arrays::compare)
                    .containsExactlyElementsOf(before);
        }
    }

    @Test
    void oneThatNeverFitsIsRefusedAtLoading() {
        try (SlabPool small = new SlabPool(SLAB, slabsEach);
                AdapterRegistry tight = new AdapterRegistry(
                        AdapterLimits.NONE,
                        new DeviceAdapters(files.checkpoint(), files.base(), files.operations(), small),
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
            assertThatThrownBy(() -> tight.load("a", AdapterFiles.RS_R16, LoadSettings.DEFAULT))
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NO_ROOM));
            assertThat(tight.current()).isEmpty();
        }
    }

    /** Random requests against a simple model: what is held is there and right, and slabs add up. */
    @Test
    void anyOrderOfEvents() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        Map<AdapterLease, Integer> holds = new HashMap<>();
        Set<AdapterLease> open = new HashSet<>();
        List<byte[]> expected;
        try (LoadedAdapter one = files.load(AdapterFiles.RS_R16)) {
            expected = bytes(one.weights());
        }
        for (int i = 0; i < 3000; i++) {
            String name = "n" + random.nextInt(9);
            List<AdapterLease> leases = List.copyOf(open);
            AdapterLease some = leases.isEmpty() ? null : leases.get(random.nextInt(leases.size()));
            switch (random.nextInt(10)) {
                case 0, 1 -> open.add(lease(name));
                case 2, 3, 4 -> {
                    if (some != null && settle(some) == Presence.RESIDENT) {
                        residency.hold(some);
                        holds.merge(some, 1, Integer::sum);
                    }
                }
                case 5 -> {
                    if (some != null && holds.getOrDefault(some, 0) > 0) {
                        residency.release(some);
                        holds.merge(some, -1, Integer::sum);
                    }
                }
                case 6 -> {
                    if (some != null && holds.getOrDefault(some, 0) == 0) {
                        some.close();
                        open.remove(some);
                        holds.remove(some);
                    }
                }
                case 7 -> registry.find(name).ifPresent(version -> registry.unload(version, new Unload.Now()));
                case 8 -> {
                    if (pool.available() > 0) {
                        cache.take(1);
                    } else {
                        residency.evictOne();
                    }
                }
                default -> {
                    residency.poll();
                    cache.step++;
                }
            }
            for (Map.Entry<AdapterLease, Integer> hold : holds.entrySet()) {
                if (hold.getValue() > 0 && i % 20 == 0) {
                    assertThat(residency.ask(hold.getKey())).as("seed %d", seed).isEqualTo(Presence.RESIDENT);
                    assertThat(bytes(residency.weights(hold.getKey())))
                            .as("seed %d", seed)
                            .usingElementComparator(Arrays::compare)
                            .containsExactlyElementsOf(expected);
                }
            }
        }
        holds.forEach((lease, count) -> {
            for (int i = 0; i < count; i++) {
                residency.release(lease);
            }
        });
        open.forEach(AdapterLease::close);
        registry.current().forEach(version -> registry.unload(version, new Unload.Now()));
        while (!registry.draining().isEmpty()) {
            residency.poll();
            Thread.onSpinWait();
        }
        assertThat(pool.available()).as("seed %d", seed).isEqualTo(CAPACITY - cache.slabs.size());
    }
}
