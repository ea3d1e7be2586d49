package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AdapterCatalogTest {
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
        Files.createDirectories(folder.resolve("empty"));
    }

    private static void adapter(Path at) {
        AdapterFiles.copy(AdapterFiles.QV_R4, at);
    }

    @Test
    void everyFolderWithAnAdapterIsOffered() throws IOException {
        AdapterCatalog catalog = new AdapterCatalog(folder);
        assertThat(catalog.names()).containsExactly("good");
        adapter(folder.resolve("later with spaces"));
        Files.createSymbolicLink(folder.resolve("alias"), folder.resolve("good"));
        assertThat(catalog.names()).containsExactly("alias", "good", "later with spaces");
        assertThat(catalog.find("alias")).contains(folder.resolve("good"));
        assertThat(catalog.find("later with spaces")).contains(folder.resolve("later with spaces"));
    }

    @Test
    void noNameLeadsOutside() throws IOException {
        Files.createSymbolicLink(folder.resolve("link"), temp.resolve("outside"));
        Files.createSymbolicLink(folder.resolve("self"), folder);
        Files.createSymbolicLink(folder.resolve("up"), temp);
        Files.createSymbolicLink(folder.resolve("loop"), folder.resolve("loop"));
        adapter(folder.resolve(".hidden"));
        adapter(folder.resolve("good/nested"));
        adapter(folder.resolve("leaky"));
        Files.delete(folder.resolve("leaky/adapter_model.safetensors"));
        Files.createSymbolicLink(
                folder.resolve("leaky/adapter_model.safetensors"), temp.resolve("outside/adapter_model.safetensors"));
        adapter(folder);
        AdapterCatalog catalog = new AdapterCatalog(folder);
        for (String name : List.of(
                "..",
                ".",
                "",
                "/",
                "../outside",
                "good/../../outside",
                "good/..",
                "./good",
                "good/",
                "good/.",
                "good/nested",
                "link",
                "self",
                "up",
                "up/outside",
                "loop",
                "leaky",
                ".hidden",
                "empty",
                "missing",
                "good\0",
                "\0",
                "..\\outside",
                "%2e%2e/outside",
                "a".repeat(5000),
                temp.resolve("outside").toString(),
                folder.resolve("good").toString())) {
            assertThat(catalog.find(name)).as(name).isEmpty();
        }
        assertThat(catalog.names()).containsExactly("good");
        assertThatThrownBy(() -> new AdapterCatalog(temp.resolve("missing"))).isInstanceOf(LorikeetException.class);
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(1, 0, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(1, 0, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(2, 0, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(2, 0, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(1, 0, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(1, 0, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
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
                AdapterRegistry registry = new AdapterRegistry(
                        new AdapterLimits(1, 1, Long.MAX_VALUE, Integer.MAX_VALUE),
                        files::load,
                        AdapterVersion::close,
                        AdapterJournal.NONE)) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            registry.load("called", temp.resolve("outside"), new LoadSettings(true, false));
            assertCode(ErrorCode.NO_ROOM, () -> offered.lend("good", PATIENCE));
        }
    }

    @Test
    void aBadAdapterInTheCatalogIsRefusedEachTime() throws IOException {
        Files.writeString(folder.resolve("good/adapter_config.json"), "{");
        try (AdapterFiles files = new AdapterFiles();
                AdapterRegistry registry = new AdapterRegistry(
                        AdapterLimits.NONE, files::load, AdapterVersion::close, AdapterJournal.NONE)) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            assertCode(ErrorCode.INVALID_FILE, () -> offered.lend("good", PATIENCE));
            assertCode(ErrorCode.INVALID_FILE, () -> offered.lend("good", PATIENCE));
            Files.copy(
                    AdapterFiles.QV_R4.resolve("adapter_config.json"),
                    folder.resolve("good/adapter_config.json"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            offered.lend("good", PATIENCE).close();
        }
    }

    @Test
    void whatWasUnloadedByACallStaysGoneUntilACallLoadsIt() {
        try (AdapterFiles files = new AdapterFiles();
                AdapterRegistry registry = new AdapterRegistry(
                        AdapterLimits.NONE, files::load, AdapterVersion::close, AdapterJournal.NONE)) {
            OfferedAdapters offered = new OfferedAdapters(registry, new AdapterCatalog(folder));
            offered.lend("good", PATIENCE).close();
            registry.unload("good", lorikeet.runtime.Unload.AND_WAIT);
            offered.withdraw("good");
            offered.withdraw("missing");
            assertCode(ErrorCode.NOT_FOUND, () -> offered.lend("good", PATIENCE));
            assertThat(offered.names()).isEmpty();
            registry.load("good", folder.resolve("good"), LoadSettings.DEFAULT);
            offered.offer("good");
            offered.lend("good", PATIENCE).close();
        }
    }

    private static void assertCode(ErrorCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
