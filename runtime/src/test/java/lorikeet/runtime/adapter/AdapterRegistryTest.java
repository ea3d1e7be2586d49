package lorikeet.runtime.adapter;

import static lorikeet.runtime.adapter.AdapterFiles.ALL_R8;
import static lorikeet.runtime.adapter.AdapterFiles.QV_R4;
import static lorikeet.runtime.adapter.AdapterFiles.RS_R16;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import lorikeet.runtime.AdapterState;
import lorikeet.runtime.AdapterStatistics;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Names, leases, draining and limits, without an engine. */
@Timeout(60)
class AdapterRegistryTest {
    private static final LoadSettings PLAIN = LoadSettings.DEFAULT;
    private static final LoadSettings PINNED = new LoadSettings(true, false);
    private static final LoadSettings REPLACE = new LoadSettings(false, true);
    private static final Unload LET_FINISH = new Unload.Drain(false, Optional.empty());
    private static final Path NOWHERE = AdapterFiles.SET.resolve("no-such-adapter");

    private final AdapterFiles files = new AdapterFiles();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<AdapterVersion> retired = new ArrayList<>();

    @AfterEach
    void closeAll() {
        threads.close();
        files.close();
    }

    private AdapterRegistry registry(AdapterLimits limits) {
        return registry(limits, files::load, AdapterJournal.NONE);
    }

    private AdapterRegistry registry(AdapterLimits limits, AdapterSource source, AdapterJournal journal) {
        return new AdapterRegistry(limits, source, this::retire, journal);
    }

    private synchronized void retire(AdapterVersion version) {
        assertThat(retired).doesNotContain(version);
        retired.add(version);
        version.close();
    }

    private static AdapterLimits most(int loaded) {
        return new AdapterLimits(loaded, Integer.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE);
    }

    private static void assertFails(ErrorCode code, String part, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(LorikeetException.class, error -> {
            assertThat(error.code()).isEqualTo(code);
            assertThat(error).hasMessageContaining(part);
        });
    }

    private static List<String> names(AdapterRegistry registry) {
        return registry.current().stream().map(AdapterVersion::name).toList();
    }

    @Test
    void aLoadGivesAReadyAdapterWithAFreshId() {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            AdapterVersion a = registry.load("a", ALL_R8, PLAIN);
            AdapterVersion b = registry.load("b", ALL_R8, PLAIN);
            assertThat(a.state()).isEqualTo(AdapterState.READY);
            assertThat(a.id()).isPositive().isNotEqualTo(b.id());
            registry.unload("a", LET_FINISH);
            assertThat(a.state()).isEqualTo(AdapterState.CLOSED);
            assertThat(registry.load("a", ALL_R8, PLAIN).id()).isNotIn(a.id(), b.id());
            assertThat(names(registry)).containsExactly("b", "a");
        }
        assertThat(retired).hasSize(3);
    }

    @Test
    void ofManyLoadsOfOneNameExactlyOneWins() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger reads = new AtomicInteger();
        AdapterSource slow = folder -> {
            reads.incrementAndGet();
            await(go);
            return files.load(folder);
        };
        try (AdapterRegistry registry = registry(AdapterLimits.NONE, slow, AdapterJournal.NONE)) {
            List<Future<Optional<ErrorCode>>> results = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                results.add(threads.submit(() -> outcome(() -> registry.load("a", ALL_R8, PLAIN))));
            }
            List<Future<Optional<ErrorCode>>> losers = new ArrayList<>(results);
            while (losers.size() > 1) {
                losers.removeIf(Future::isDone);
                Thread.onSpinWait();
            }
            assertThat(registry.loading()).containsExactly("a");
            assertThat(registry.find("a")).isEmpty();
            go.countDown();
            int won = 0;
            for (Future<Optional<ErrorCode>> result : results) {
                Optional<ErrorCode> error = result.get();
                won += error.isEmpty() ? 1 : 0;
                error.ifPresent(code -> assertThat(code).isEqualTo(ErrorCode.ALREADY_LOADED));
            }
            assertThat(won).isEqualTo(1);
            assertThat(reads).hasValue(1);
            assertThat(registry.loading()).isEmpty();
        }
    }

    private static Optional<ErrorCode> outcome(Callable<?> call) throws Exception {
        try {
            call.call();
            return Optional.empty();
        } catch (LorikeetException e) {
            return Optional.of(e.code());
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void loadsOfDifferentAdaptersRunSideBySide() throws Exception {
        CyclicBarrier both = new CyclicBarrier(2);
        AdapterSource meeting = folder -> {
            try {
                both.await(30, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new AssertionError("the other load didn't start", e);
            }
            return files.load(folder);
        };
        try (AdapterRegistry registry = registry(AdapterLimits.NONE, meeting, AdapterJournal.NONE)) {
            Future<AdapterVersion> a = threads.submit(() -> registry.load("a", ALL_R8, PLAIN));
            Future<AdapterVersion> b = threads.submit(() -> registry.load("b", QV_R4, PLAIN));
            assertThat(List.of(a.get(), b.get())).hasSize(2);
        }
    }

    @Test
    void aReplaceIsSeenByRequestsThatStartAfterIt() {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            AdapterVersion old = registry.load("a", ALL_R8, PLAIN);
            AdapterLease running = registry.lend("a").orElseThrow();
            AdapterVersion now = registry.load("a", QV_R4, REPLACE);
            try (AdapterLease later = registry.lend("a").orElseThrow()) {
                assertThat(later.id()).isEqualTo(now.id());
            }
            assertThat(registry.lend(old)).isEmpty();
            assertThat(old.state()).isEqualTo(AdapterState.DRAINING);
            assertThat(registry.draining()).containsExactly(old);
            assertThat(running.isAborted()).isFalse();
            running.close();
            assertThat(old.state()).isEqualTo(AdapterState.CLOSED);
            assertThat(registry.draining()).isEmpty();
            assertThat(registry.load("new", ALL_R8, REPLACE).state()).isEqualTo(AdapterState.READY);
        }
    }

    @Test
    void aLoadThatFailsChangesNothing() {
        try (AdapterRegistry registry = registry(new AdapterLimits(1, 1, Long.MAX_VALUE, 8))) {
            AdapterVersion a = registry.load("a", ALL_R8, PLAIN);
            assertFails(ErrorCode.NOT_FOUND, "no such folder", () -> registry.load("b", NOWHERE, PLAIN));
            assertFails(ErrorCode.NOT_FOUND, "no such folder", () -> registry.load("a", NOWHERE, REPLACE));
            assertFails(ErrorCode.INCOMPATIBLE, "rank", () -> registry.load("b", RS_R16, PLAIN));
            assertFails(ErrorCode.INVALID_REQUEST, "name", () -> registry.load(" ", ALL_R8, PLAIN));
            assertFails(ErrorCode.INVALID_REQUEST, "name", () -> registry.load("a\nb", ALL_R8, PLAIN));
            assertThat(registry.current()).containsExactly(a);
            assertThat(registry.loading()).isEmpty();
            assertThat(a.state()).isEqualTo(AdapterState.READY);
        }
    }

    @Test
    void aSlowDrainDelaysNobody() throws Exception {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            registry.load("slow", ALL_R8, PLAIN);
            AdapterLease held = registry.lend("slow").orElseThrow();
            Future<?> drain = threads.submit(() -> registry.unload("slow", Unload.AND_WAIT));
            while (registry.find("slow").isPresent()) {
                Thread.onSpinWait();
            }
            registry.load("b", ALL_R8, PLAIN);
            registry.load("slow", QV_R4, PLAIN);
            registry.load("b", QV_R4, REPLACE);
            registry.unload("b", Unload.AND_WAIT);
            assertThat(drain.isDone()).isFalse();
            held.close();
            drain.get(30, TimeUnit.SECONDS);
            assertThat(names(registry)).containsExactly("slow");
        }
    }

    @Test
    void whatIsUnloadedIsGone() {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            AdapterVersion a = registry.load("a", ALL_R8, PLAIN);
            registry.unload("a", LET_FINISH);
            assertThat(registry.lend("a")).isEmpty();
            assertThat(registry.lend(a)).isEmpty();
            assertFails(ErrorCode.NOT_FOUND, "never been loaded", () -> registry.unload("a", LET_FINISH));
            registry.unload(a, Unload.AND_WAIT);
        }
    }

    @Test
    void unloadingNowAbortsTheRest() {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            AdapterVersion a = registry.load("a", ALL_R8, PLAIN);
            AdapterLease finished = registry.lend("a").orElseThrow();
            AdapterLease running = registry.lend("a").orElseThrow();
            AtomicInteger aborts = new AtomicInteger();
            finished.onAbort(() -> aborts.addAndGet(100));
            finished.close();
            finished.close();
            running.onAbort(aborts::incrementAndGet);
            registry.unload("a", new Unload.Now());
            assertThat(aborts).hasValue(1);
            assertThat(running.isAborted()).isTrue();
            assertThat(a.state()).isEqualTo(AdapterState.DRAINING);
            running.onAbort(aborts::incrementAndGet);
            assertThat(aborts).hasValue(2);
            running.close();
            assertThat(a.state()).isEqualTo(AdapterState.CLOSED);
        }
    }

    @Test
    void anAbortMayGiveTheLeaseBackAtOnce() {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            AdapterVersion a = registry.load("a", ALL_R8, PLAIN);
            for (int i = 0; i < 5; i++) {
                AdapterLease lease = registry.lend("a").orElseThrow();
                lease.onAbort(lease::close);
            }
            assertThat(a.activeRequests()).isEqualTo(5);
            registry.unload("a", new Unload.Now());
            assertThat(a.state()).isEqualTo(AdapterState.CLOSED);
        }
    }

    @Test
    void afterTheDeadlineTheRestIsAborted() throws Exception {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            registry.load("a", ALL_R8, PLAIN);
            AdapterLease lease = registry.lend("a").orElseThrow();
            CountDownLatch aborted = new CountDownLatch(1);
            lease.onAbort(() -> {
                lease.close();
                aborted.countDown();
            });
            registry.unload("a", new Unload.Drain(true, Optional.of(Duration.ofMillis(20))));
            await(aborted);
            registry.load("b", ALL_R8, PLAIN);
            AdapterLease quick = registry.lend("b").orElseThrow();
            quick.onAbort(() -> aborted.countDown());
            registry.unload("b", new Unload.Drain(false, Optional.of(Duration.ofDays(1))));
            assertThat(quick.isAborted()).isFalse();
            quick.close();
            assertThat(quick.version().state()).isEqualTo(AdapterState.CLOSED);
        }
    }

    @Test
    void anInterruptedWaitLeavesTheAdapterToItsDrain() throws Exception {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            registry.load("a", ALL_R8, PLAIN);
            AdapterLease lease = registry.lend("a").orElseThrow();
            CountDownLatch returned = new CountDownLatch(1);
            Thread waiting = Thread.ofVirtual().start(() -> {
                registry.unload("a", Unload.AND_WAIT);
                if (Thread.currentThread().isInterrupted()) {
                    returned.countDown();
                }
            });
            waiting.interrupt();
            await(returned);
            assertThat(registry.find("a")).isEmpty();
            lease.close();
            assertThat(lease.version().state()).isEqualTo(AdapterState.CLOSED);
        }
    }

    @Test
    void pastTheLimitTheLeastRecentlyUsedMakesRoom() {
        try (AdapterRegistry registry = registry(most(3))) {
            registry.load("pinned", ALL_R8, PINNED);
            registry.load("held", ALL_R8, PLAIN);
            AdapterLease held = registry.lend("held").orElseThrow();
            registry.load("x", ALL_R8, PLAIN);
            registry.load("y", ALL_R8, PLAIN);
            assertThat(names(registry)).containsExactly("pinned", "held", "y");
            held.close();
            registry.load("z", ALL_R8, PLAIN);
            assertThat(names(registry)).containsExactly("pinned", "y", "z");
            registry.lend("y").orElseThrow().close();
            registry.load("w", ALL_R8, PLAIN);
            assertThat(names(registry)).containsExactly("pinned", "y", "w");
            AdapterLease y = registry.lend("y").orElseThrow();
            AdapterLease w = registry.lend("w").orElseThrow();
            assertFails(ErrorCode.NO_ROOM, "limit", () -> registry.load("v", ALL_R8, PLAIN));
            registry.load("y", QV_R4, REPLACE);
            assertThat(names(registry)).containsExactlyInAnyOrder("pinned", "y", "w");
            y.close();
            w.close();
        }
    }

    @Test
    void pinningEverythingIsRefused() {
        try (AdapterRegistry registry = registry(new AdapterLimits(10, 2, Long.MAX_VALUE, 64))) {
            registry.load("a", ALL_R8, PINNED);
            registry.load("b", ALL_R8, PLAIN);
            registry.load("c", ALL_R8, PLAIN);
            registry.pin("b", true);
            assertFails(ErrorCode.NO_ROOM, "starvation", () -> registry.pin("c", true));
            assertFails(ErrorCode.NO_ROOM, "starvation", () -> registry.load("d", ALL_R8, PINNED));
            assertFails(ErrorCode.NOT_FOUND, "d", () -> registry.pin("d", true));
            registry.load("a", QV_R4, new LoadSettings(true, true));
            registry.pin("b", true);
            registry.pin("b", false);
            registry.pin("c", true);
            assertThat(registry.current().stream()
                            .filter(AdapterVersion::pinned)
                            .map(AdapterVersion::name))
                    .containsExactlyInAnyOrder("a", "c");
        }
        long bytes;
        try (LoadedAdapter one = files.load(ALL_R8)) {
            bytes = one.bytes();
        }
        try (AdapterRegistry registry = registry(new AdapterLimits(10, 10, 2 * bytes - 1, 64))) {
            registry.load("a", ALL_R8, PINNED);
            assertFails(ErrorCode.NO_ROOM, "starvation", () -> registry.load("b", ALL_R8, PINNED));
        }
    }

    @Test
    void whatCouldNotBeRememberedIsNotDone() {
        List<List<String>> saved = new ArrayList<>();
        boolean[] full = {false};
        AdapterJournal journal = adapters -> {
            if (full[0]) {
                throw new LorikeetException(ErrorCode.NO_ROOM, "disk full");
            }
            saved.add(adapters.stream().map(AdapterVersion::name).toList());
        };
        try (AdapterRegistry registry = registry(most(2), files::load, journal)) {
            AdapterVersion a = registry.load("a", ALL_R8, PLAIN);
            AdapterVersion b = registry.load("b", ALL_R8, PLAIN);
            full[0] = true;
            assertFails(ErrorCode.NO_ROOM, "disk full", () -> registry.load("c", ALL_R8, PLAIN));
            assertFails(ErrorCode.NO_ROOM, "disk full", () -> registry.load("a", QV_R4, REPLACE));
            assertFails(ErrorCode.NO_ROOM, "disk full", () -> registry.unload("a", LET_FINISH));
            assertFails(ErrorCode.NO_ROOM, "disk full", () -> registry.pin("a", true));
            assertThat(registry.current()).containsExactlyInAnyOrder(a, b).noneMatch(AdapterVersion::pinned);
            registry.lend("a").orElseThrow().close();
            full[0] = false;
            registry.load("c", ALL_R8, PLAIN);
            assertThat(saved.getLast()).containsExactlyInAnyOrder("a", "c");
            registry.unload("a", LET_FINISH);
            assertThat(saved.getLast()).containsExactly("c");
        }
        assertThat(saved.getLast()).containsExactly("c");
    }

    @Test
    void closingWaitsForLoadsAndClosesWhatIsHeld() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AdapterSource slow = folder -> {
            if (folder.equals(QV_R4)) {
                reading.countDown();
                await(go);
            }
            return files.load(folder);
        };
        AdapterRegistry registry = registry(AdapterLimits.NONE, slow, AdapterJournal.NONE);
        AdapterVersion held = registry.load("held", ALL_R8, PLAIN);
        AdapterLease lease = registry.lend("held").orElseThrow();
        Future<Optional<ErrorCode>> load = threads.submit(() -> outcome(() -> registry.load("late", QV_R4, PLAIN)));
        await(reading);
        Future<?> closing = threads.submit(registry::close);
        while (outcome(() -> registry.lend("nobody")).isEmpty()) {
            Thread.onSpinWait(); // until the closing has begun
        }
        assertThat(load.isDone()).isFalse();
        assertThat(closing.isDone()).isFalse();
        go.countDown();
        assertThat(load.get(30, TimeUnit.SECONDS)).contains(ErrorCode.ABORTED);
        closing.get(30, TimeUnit.SECONDS);
        assertThat(held.state()).isEqualTo(AdapterState.CLOSED);
        assertThat(lease.isAborted()).isTrue();
        lease.close();
        assertThat(retired).containsExactly(held);
        registry.close();
        assertFails(ErrorCode.ABORTED, "closed", () -> registry.load("a", ALL_R8, PLAIN));
        assertFails(ErrorCode.ABORTED, "closed", () -> registry.lend("held"));
    }

    @Test
    void countsGoOnOverLoadsOfTheSameName() {
        try (AdapterRegistry registry = registry(AdapterLimits.NONE)) {
            registry.load("a", ALL_R8, PLAIN);
            registry.load("a", QV_R4, REPLACE);
            registry.lend("a").orElseThrow().close();
            AdapterLease open = registry.lend("a").orElseThrow();
            AdapterStatistics counts = registry.statistics().getFirst();
            assertThat(counts.loads()).isEqualTo(2);
            assertThat(counts.requests()).isEqualTo(2);
            assertThat(counts.activeRequests()).isEqualTo(1);
            assertThat(counts.loadTime()).isPositive();
            assertThat(counts.loaded()).isTrue();
            assertThat(counts.resident()).isFalse();
            open.close();
            registry.unload("a", LET_FINISH);
            assertThat(registry.statistics().getFirst().loaded()).isFalse();
            assertThat(registry.statistics().getFirst().loads()).isEqualTo(2);
        }
    }

    @Test
    void clientsInAnyOrderLeaveNothingBehind() throws Exception {
        ConcurrentLinkedQueue<AdapterVersion> seen = new ConcurrentLinkedQueue<>();
        try (AdapterRegistry registry = registry(most(4))) {
            List<Future<?>> clients = new ArrayList<>();
            for (int client = 0; client < 8; client++) {
                long seed = client;
                clients.add(threads.submit(() -> {
                    SplittableRandom random = new SplittableRandom(seed);
                    for (int i = 0; i < 300; i++) {
                        String name = "abcdef".substring(random.nextInt(6)).substring(0, 1);
                        switch (random.nextInt(5)) {
                            case 0 -> outcome(() -> seen.add(registry.load(name, ALL_R8, PLAIN)));
                            case 1 -> outcome(() -> seen.add(registry.load(name, QV_R4, REPLACE)));
                            case 2 ->
                                outcome(() -> {
                                    registry.unload(name, random.nextBoolean() ? new Unload.Now() : LET_FINISH);
                                    return 0;
                                });
                            default ->
                                registry.lend(name).ifPresent(lease -> {
                                    try (lease) {
                                        Thread.onSpinWait();
                                        assertThat(lease.version().state()).isNotEqualTo(AdapterState.CLOSED);
                                        assertThat(lease.loaded().weights().slots())
                                                .isPositive();
                                    }
                                });
                        }
                        assertThat(registry.current()).hasSizeLessThanOrEqualTo(4);
                    }
                    return 0;
                }));
            }
            for (Future<?> client : clients) {
                client.get();
            }
            assertThat(registry.draining()).isEmpty();
        }
        assertThat(seen).isNotEmpty().allMatch(version -> version.state() == AdapterState.CLOSED);
        assertThat(retired).containsExactlyInAnyOrderElementsOf(seen);
    }
}
