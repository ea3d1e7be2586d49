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
import java.util.concurrent.CompletableFuture;
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
        folder = Files.createDirectories(temp.resolve("catalog"));
        adapter(folder.resolve("good"));
        adapter(temp.resolve("outside"));
    }

    private static void adapter(Path at) {
        AdapterFiles.copy(AdapterFiles.QV_R4, at);
    }

    private static AdapterRegistry registry(AdapterFiles files, AdapterLimits limits) {
        return new AdapterRegistry(limits, files::load, AdapterVersion::close, AdapterJournal.NONE);
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
        adapter(folder.resolve("other"));
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AdapterRegistry registry = registry(files, atMost(1, 0))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            AdapterLease good = offered.lend("good", Duration.ZERO);
            assertCode(ErrorCode.NO_ROOM, () -> offered.lend("other", Duration.ZERO));
            assertThat(registry.find("good")).isPresent();
            assertThat(registry.loading()).isEmpty();
            Future<AdapterLease> other = threads.submit(() -> offered.lend("other", PATIENCE));
            // No new request gets the one that is to go, so that it can't be kept for ever.
            while (registry.find("good").isPresent()) {
                Thread.onSpinWait();
            }
            Future<AdapterLease> again = threads.submit(() -> offered.lend("good", PATIENCE));
            assertCode(ErrorCode.NOT_FOUND, () -> offered.lend("missing", PATIENCE));
            assertCode(ErrorCode.TIMED_OUT, () -> offered.lend("good", Duration.ofMillis(1)));
            assertThat(other.isDone()).isFalse();
            good.close();
            AdapterLease second = other.get();
            assertThat(second.name()).isEqualTo("other");
            assertThat(again.isDone()).isFalse();
            second.close();
            try (AdapterLease third = again.get()) {
                assertThat(third.version()).isNotSameAs(good.version());
            }
            assertThat(registry.draining()).isEmpty();
        }
    }

    @Test
    void whoeverWaitsForTheSameIsServedTogether() throws Exception {
        adapter(folder.resolve("other"));
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AdapterRegistry registry = registry(files, atMost(1, 0))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            AdapterLease good = offered.lend("good", Duration.ZERO);
            List<Future<AdapterLease>> others = new ArrayList<>();
            others.add(threads.submit(() -> offered.lend("other", PATIENCE)));
            while (registry.find("good").isPresent()) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 4; i++) {
                others.add(threads.submit(() -> offered.lend("other", PATIENCE)));
            }
            while (offered.waiting() < 5) {
                Thread.onSpinWait();
            }
            assertCode(ErrorCode.TIMED_OUT, () -> offered.lend("other", Duration.ofMillis(1)));
            Future<AdapterLease> again = threads.submit(() -> offered.lend("good", PATIENCE));
            while (offered.waiting() < 6) {
                Thread.onSpinWait();
            }
            good.close();
            for (Future<AdapterLease> other : others) {
                assertThat(other.get().name()).isEqualTo("other");
            }
            assertThat(again.isDone()).isFalse();
            for (Future<AdapterLease> other : others) {
                other.get().close();
            }
            again.get().close();
            assertThat(registry.statistics().stream()
                            .mapToLong(one -> one.loads())
                            .sum())
                    .isEqualTo(3);
            assertThat(registry.draining()).isEmpty();
        }
    }

    @Test
    void moreAdaptersThanFitAreAllServed() throws Exception {
        List<String> names = List.of("good", "b", "c", "d");
        names.stream().skip(1).forEach(name -> adapter(folder.resolve(name)));
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newFixedThreadPool(8);
                AdapterRegistry registry = registry(files, atMost(2, 0))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            List<Future<String>> served = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                String name = names.get(i % names.size());
                served.add(threads.submit(() -> {
                    try (AdapterLease lease = offered.lend(name, PATIENCE)) {
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
        adapter(folder.resolve("other"));
        adapter(folder.resolve("third"));
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AdapterRegistry registry = registry(files, atMost(2, 0))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            AdapterLease slow = offered.lend("good", Duration.ZERO);
            AdapterLease quick = offered.lend("other", Duration.ZERO);
            Future<AdapterLease> third = threads.submit(() -> offered.lend("third", PATIENCE));
            while (registry.find("good").isPresent()) {
                Thread.onSpinWait();
            }
            assertThat(third.isDone()).isFalse();
            quick.close();
            assertThat(third.get().name()).isEqualTo("third");
            assertThat(registry.draining()).containsExactly(slow.version());
            assertThat(registry.current()).containsExactly(third.get().version());
            slow.close();
            third.get().close();
        }
    }

    @Test
    void whoeverGivesUpHoldsUpNobody() throws Exception {
        adapter(folder.resolve("other"));
        adapter(folder.resolve("third"));
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AdapterRegistry registry = registry(files, atMost(1, 0))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            AdapterLease good = offered.lend("good", Duration.ZERO);
            CompletableFuture<ErrorCode> ended = new CompletableFuture<>();
            Thread impatient = Thread.ofVirtual().start(() -> {
                try {
                    offered.lend("other", PATIENCE).close();
                } catch (LorikeetException e) {
                    ended.complete(e.code());
                }
            });
            while (registry.find("good").isPresent()) {
                Thread.onSpinWait();
            }
            Future<AdapterLease> third = threads.submit(() -> offered.lend("third", PATIENCE));
            impatient.interrupt();
            assertThat(ended.get()).isEqualTo(ErrorCode.ABORTED);
            third.get().close();
            assertThat(registry.loading()).isEmpty();
            good.close();
            assertThat(registry.draining()).isEmpty();
        }
    }

    @Test
    void whatNoFolderOffersIsNotTakenAwayFromThoseWhoAskForIt() throws Exception {
        adapter(folder.resolve("other"));
        try (AdapterFiles files = new AdapterFiles();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AdapterRegistry registry = registry(files, atMost(1, 0))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            registry.load("called", temp.resolve("outside"), new LoadSettings(false, false));
            AdapterLease held = registry.lend("called").orElseThrow();
            assertCode(ErrorCode.TIMED_OUT, () -> offered.lend("other", Duration.ofMillis(1)));
            assertThat(registry.find("called")).contains(held.version());
            Future<AdapterLease> other = threads.submit(() -> offered.lend("other", PATIENCE));
            registry.lend("called").orElseThrow().close();
            held.close();
            other.get().close();
        }
    }

    @Test
    void whereAllArePinnedNobodyWaits() {
        try (AdapterFiles files = new AdapterFiles();
                AdapterRegistry registry = registry(files, atMost(1, 1))) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            registry.load("called", temp.resolve("outside"), new LoadSettings(true, false));
            assertCode(ErrorCode.NO_ROOM, () -> offered.lend("good", PATIENCE));
        }
    }

    @Test
    void aBadAdapterInTheCatalogIsRefusedEachTime() throws IOException {
        Files.writeString(folder.resolve("good/adapter_config.json"), "{");
        try (AdapterFiles files = new AdapterFiles();
                AdapterRegistry registry = registry(files, AdapterLimits.NONE)) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            assertCode(ErrorCode.INVALID_FILE, () -> offered.lend("good", PATIENCE));
            assertCode(ErrorCode.INVALID_FILE, () -> offered.lend("good", PATIENCE));
            Files.copy(
                    AdapterFiles.QV_R4.resolve("adapter_config.json"),
                    folder.resolve("good/adapter_config.json"),
                    StandardCopyOption.REPLACE_EXISTING);
            offered.lend("good", PATIENCE).close();
        }
    }

    @Test
    void whatWasUnloadedByACallStaysGoneUntilACallLoadsIt() {
        try (AdapterFiles files = new AdapterFiles();
                AdapterRegistry registry = registry(files, AdapterLimits.NONE)) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            offered.lend("good", PATIENCE).close();
            registry.unload("good", Unload.AND_WAIT);
            offered.withdraw("good");
            offered.withdraw("missing");
            assertCode(ErrorCode.NOT_FOUND, () -> offered.lend("good", PATIENCE));
            assertThat(offered.names()).isEmpty();
            registry.load("good", folder.resolve("good"), LoadSettings.DEFAULT);
            offered.offer("good");
            offered.lend("good", PATIENCE).close();
        }
    }

    private static void assertCode(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
