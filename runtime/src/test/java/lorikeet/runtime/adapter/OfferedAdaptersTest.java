package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Adapters that are loaded when they are first asked for, and those who wait for them. */
@Timeout(60)
class OfferedAdaptersTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path temp;

    private Path folder = Path.of("");

    @BeforeEach
    void makeFolders() throws IOException {
        temp = temp.toRealPath();
        folder = AdapterFiles.catalog(temp);
    }

    /** The folder's adapters on offer, and threads that ask for them. */
    private final class Offer implements AutoCloseable {
        private final AdapterFiles files = new AdapterFiles();
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final AdapterRegistry registry;
        private final OfferedAdapters adapters;

        Offer(AdapterLimits limits) {
            registry = new AdapterRegistry(limits, files::load, AdapterVersion::close, AdapterJournal.NONE);
            adapters = new OfferedAdapters(registry, new AdapterCatalog(folder));
        }

        /** Asks for an adapter on a thread of its own. */
        Future<AdapterLease> later(String name) {
            return threads.submit(() -> adapters.lend(name, PATIENCE));
        }

        /** Waits until new requests don't get an adapter any more. */
        void awaitLeaving(String name) {
            while (registry.find(name).isPresent()) {
                Thread.onSpinWait();
            }
        }

        /** Waits until so many wait. */
        void awaitWaiting(int count) {
            while (adapters.waiting() < count) {
                Thread.onSpinWait();
            }
        }

        @Override
        public void close() {
            try (files;
                    threads) {
                registry.close();
            }
        }
    }

    private static AdapterLimits atMost(int loaded, int pinned) {
        return new AdapterLimits(loaded, pinned, Long.MAX_VALUE, Integer.MAX_VALUE);
    }

    @Test
    void firstUseLoadsOnceHoweverManyAsk() throws Exception {
        AtomicInteger reads = new AtomicInteger();
        CountDownLatch go = new CountDownLatch(1);
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AdapterRegistry registry = new AdapterRegistry(
                        AdapterLimits.NONE,
                        path -> {
                            reads.incrementAndGet();
                            try {
                                assertThat(go.await(30, TimeUnit.SECONDS)).isTrue();
                            } catch (InterruptedException e) {
                                throw new AssertionError(e);
                            }
                            return files.load(path);
                        },
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            List<Future<AdapterLease>> leases = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                leases.add(threads.submit(() -> offered.lend("good", PATIENCE)));
            }
            go.countDown();
            for (Future<AdapterLease> lease : leases) {
                assertThat(lease.get().version())
                        .isSameAs(leases.getFirst().get().version());
                lease.get().close();
            }
            assertThat(reads).hasValue(1);
            assertThat(registry.statistics().getFirst().requests()).isEqualTo(10);
            assertCode(ErrorCode.NOT_FOUND, () -> offered.lend("missing", PATIENCE));
            assertCode(ErrorCode.NOT_FOUND, () -> offered.lend("../outside", PATIENCE));
        }
    }

    @Test
    void whereAllAreInUseTheOneThatCameFirstIsServedFirst() throws Exception {
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("other"));
        try (Offer offer = new Offer(atMost(1, 0))) {
            AdapterLease good = offer.adapters.lend("good", Duration.ZERO);
            assertCode(ErrorCode.NO_ROOM, () -> offer.adapters.lend("other", Duration.ZERO));
            assertThat(offer.registry.find("good")).isPresent();
            assertThat(offer.registry.loading()).isEmpty();
            Future<AdapterLease> other = offer.later("other");
            // No new request gets the one that is to go, so that it can't be kept for ever.
            offer.awaitLeaving("good");
            Future<AdapterLease> again = offer.later("good");
            assertCode(ErrorCode.NOT_FOUND, () -> offer.adapters.lend("missing", PATIENCE));
            assertCode(ErrorCode.TIMED_OUT, () -> offer.adapters.lend("good", Duration.ofMillis(1)));
            assertThat(other.isDone()).isFalse();
            good.close();
            AdapterLease second = other.get();
            assertThat(second.name()).isEqualTo("other");
            assertThat(again.isDone()).isFalse();
            second.close();
            try (AdapterLease third = again.get()) {
                assertThat(third.version()).isNotSameAs(good.version());
            }
            assertThat(offer.registry.draining()).isEmpty();
        }
    }

    @Test
    void whoeverWaitsForTheSameIsServedTogether() throws Exception {
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("other"));
        try (Offer offer = new Offer(atMost(1, 0))) {
            AdapterLease good = offer.adapters.lend("good", Duration.ZERO);
            List<Future<AdapterLease>> others = new ArrayList<>();
            others.add(offer.later("other"));
            offer.awaitLeaving("good");
            for (int i = 0; i < 4; i++) {
                others.add(offer.later("other"));
            }
            offer.awaitWaiting(5);
            assertCode(ErrorCode.TIMED_OUT, () -> offer.adapters.lend("other", Duration.ofMillis(1)));
            Future<AdapterLease> again = offer.later("good");
            offer.awaitWaiting(6);
            good.close();
            for (Future<AdapterLease> other : others) {
                assertThat(other.get().name()).isEqualTo("other");
            }
            assertThat(again.isDone()).isFalse();
            for (Future<AdapterLease> other : others) {
                other.get().close();
            }
            again.get().close();
            assertThat(offer.registry.statistics().stream()
                            .mapToLong(one -> one.loads())
                            .sum())
                    .isEqualTo(3);
            assertThat(offer.registry.draining()).isEmpty();
        }
    }

    @Test
    void moreAdaptersThanFitAreAllServed() throws Exception {
        List<String> names = List.of("good", "b", "c", "d");
        names.stream().skip(1).forEach(name -> AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve(name)));
        try (Offer offer = new Offer(atMost(2, 0));
                ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<String>> served = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                String name = names.get(i % names.size());
                served.add(threads.submit(() -> {
                    try (AdapterLease lease = offer.adapters.lend(name, PATIENCE)) {
                        return lease.name();
                    }
                }));
            }
            for (int i = 0; i < served.size(); i++) {
                assertThat(served.get(i).get()).isEqualTo(names.get(i % names.size()));
            }
        }
    }

    @Test
    void roomIsWhereItComesFirst() throws Exception {
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("other"));
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("third"));
        try (Offer offer = new Offer(atMost(2, 0))) {
            AdapterLease slow = offer.adapters.lend("good", Duration.ZERO);
            AdapterLease quick = offer.adapters.lend("other", Duration.ZERO);
            Future<AdapterLease> third = offer.later("third");
            offer.awaitLeaving("good");
            assertThat(third.isDone()).isFalse();
            quick.close();
            assertThat(third.get().name()).isEqualTo("third");
            assertThat(offer.registry.draining()).containsExactly(slow.version());
            assertThat(offer.registry.current()).containsExactly(third.get().version());
            slow.close();
            third.get().close();
        }
    }

    @Test
    void whoeverGivesUpHoldsUpNobody() throws Exception {
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("other"));
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("third"));
        try (Offer offer = new Offer(atMost(1, 0))) {
            AdapterLease good = offer.adapters.lend("good", Duration.ZERO);
            CompletableFuture<ErrorCode> ended = new CompletableFuture<>();
            Thread impatient = Thread.ofVirtual().start(() -> {
                try {
                    offer.adapters.lend("other", PATIENCE).close();
                } catch (LorikeetException e) {
                    ended.complete(e.code());
                }
            });
            offer.awaitLeaving("good");
            Future<AdapterLease> third = offer.later("third");
            impatient.interrupt();
            assertThat(ended.get()).isEqualTo(ErrorCode.ABORTED);
            third.get().close();
            assertThat(offer.registry.loading()).isEmpty();
            good.close();
            assertThat(offer.registry.draining()).isEmpty();
        }
    }

    @Test
    void whoeverWaitedWithOneThatGivesUpKeepsTheirPlace() throws Exception {
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("other"));
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("third"));
        try (Offer offer = new Offer(atMost(1, 0))) {
            AdapterLease good = offer.adapters.lend("good", Duration.ZERO);
            Queue<ErrorCode> ended = new ConcurrentLinkedQueue<>();
            List<Thread> impatient = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                impatient.add(Thread.ofVirtual().start(() -> {
                    try {
                        offer.adapters.lend("other", PATIENCE).close();
                    } catch (LorikeetException e) {
                        ended.add(e.code());
                    }
                }));
                offer.awaitLeaving("good");
                offer.awaitWaiting(i + 1);
            }
            Future<AdapterLease> other = offer.later("other");
            offer.awaitWaiting(3);
            Future<AdapterLease> third = offer.later("third");
            offer.awaitWaiting(4);
            // The second first, who only follows; then the one whose turn it is.
            for (Thread thread : impatient.reversed()) {
                thread.interrupt();
                thread.join();
            }
            assertThat(ended).containsExactly(ErrorCode.ABORTED, ErrorCode.ABORTED);
            good.close();
            assertThat(other.get().name()).isEqualTo("other");
            assertThat(third.isDone()).isFalse();
            other.get().close();
            third.get().close();
            assertThat(offer.registry.draining()).isEmpty();
        }
    }

    @Test
    void whatNoFolderOffersIsNotTakenAwayFromThoseWhoAskForIt() throws Exception {
        AdapterFiles.copy(AdapterFiles.QV_R4, folder.resolve("other"));
        try (Offer offer = new Offer(atMost(1, 0))) {
            offer.registry.load("called", temp.resolve("outside"), new LoadSettings(false, false));
            AdapterLease held = offer.registry.lend("called").orElseThrow();
            assertCode(ErrorCode.TIMED_OUT, () -> offer.adapters.lend("other", Duration.ofMillis(1)));
            assertThat(offer.registry.find("called")).contains(held.version());
            Future<AdapterLease> other = offer.later("other");
            offer.registry.lend("called").orElseThrow().close();
            held.close();
            other.get().close();
        }
    }

    @Test
    void whereAllArePinnedNobodyWaits() {
        try (Offer offer = new Offer(atMost(1, 1))) {
            offer.registry.load("called", temp.resolve("outside"), new LoadSettings(true, false));
            assertCode(ErrorCode.NO_ROOM, () -> offer.adapters.lend("good", PATIENCE));
        }
    }

    @Test
    void aBadAdapterInTheCatalogIsRefusedEachTime() throws IOException {
        Files.writeString(folder.resolve("good/adapter_config.json"), "{");
        try (Offer offer = new Offer(AdapterLimits.NONE)) {
            assertCode(ErrorCode.INVALID_FILE, () -> offer.adapters.lend("good", PATIENCE));
            assertCode(ErrorCode.INVALID_FILE, () -> offer.adapters.lend("good", PATIENCE));
            Files.copy(
                    AdapterFiles.QV_R4.resolve("adapter_config.json"),
                    folder.resolve("good/adapter_config.json"),
                    StandardCopyOption.REPLACE_EXISTING);
            offer.adapters.lend("good", PATIENCE).close();
        }
    }

    @Test
    void whatWasUnloadedByACallStaysGoneUntilACallLoadsIt() {
        try (Offer offer = new Offer(AdapterLimits.NONE)) {
            offer.adapters.lend("good", PATIENCE).close();
            offer.registry.unload("good", Unload.AND_WAIT);
            offer.adapters.withdraw("good");
            offer.adapters.withdraw("missing");
            assertCode(ErrorCode.NOT_FOUND, () -> offer.adapters.lend("good", PATIENCE));
            assertThat(offer.adapters.names()).isEmpty();
            offer.registry.load("good", folder.resolve("good"), LoadSettings.DEFAULT);
            offer.adapters.offer("good");
            offer.adapters.lend("good", PATIENCE).close();
        }
    }

    private static void assertCode(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
