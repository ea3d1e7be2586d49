package lorikeet.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.engine.HandSteppedEngine.Sizes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The thread that works for all others. */
@Timeout(120)
@ParameterizedClass(name = "looks ahead: {0}")
@ValueSource(booleans = {false, true})
final class EngineThreadTest {
    private final Sizes sizes;

    EngineThreadTest(boolean looksAhead) {
        sizes = new Sizes(looksAhead);
    }

    /** Counts how requests end. */
    private static final class Ends implements GroupListener {
        private final CountDownLatch ended = new CountDownLatch(1);
        private final AtomicInteger ends = new AtomicInteger();
        private final AtomicReference<LorikeetException> failure = new AtomicReference<>();
        private final List<Integer> tokens = new ArrayList<>();

        @Override
        public boolean onToken(int choice, SampledToken token) {
            tokens.add(token.id());
            return true;
        }

        @Override
        public void onEnd() {
            ends.incrementAndGet();
            ended.countDown();
        }

        @Override
        public void onFailure(LorikeetException reason) {
            failure.set(reason);
            ends.incrementAndGet();
            ended.countDown();
        }

        private void await() throws InterruptedException {
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static SequenceGroup group(long adapter, int[] prompt, int maxTokens, Ends ends) {
        return new SequenceGroup(
                prompt,
                HandSteppedEngine.settings(1, maxTokens),
                adapter == 0 ? null : new FakeLease(adapter),
                ends,
                0);
    }

    @Test
    void servesManyThreadsAtOnce() throws InterruptedException {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            EngineThread thread = new EngineThread(engine.engine);
            List<Thread> clients = new ArrayList<>();
            AtomicInteger right = new AtomicInteger();
            for (int client = 0; client < 8; client++) {
                int number = client;
                clients.add(Thread.ofVirtual().start(() -> {
                    for (int i = 0; i < 40; i++) {
                        Ends ends = new Ends();
                        int[] prompt = HandSteppedEngine.prompt(i % 5, 1 + 7 * (i % 9));
                        engine.engine.submit(List.of(group(number % 4, prompt, 6, ends)), true);
                        try {
                            ends.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        if (ends.tokens.equals(FakeDevice.expected(number % 4, prompt, 6))) {
                            right.incrementAndGet();
                        }
                    }
                }));
            }
            for (Thread client : clients) {
                client.join();
            }
            thread.close();
            assertThat(right).hasValue(8 * 40);
            assertThat(engine.engine.stats().answered()).isEqualTo(8 * 40);
        }
    }

    @Test
    void closingEndsEveryRequestOnceWhateverIsSubmittedMeanwhile() throws InterruptedException {
        int failed = 0;
        for (int round = 0; round < 20; round++) {
            try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
                EngineThread thread = new EngineThread(engine.engine);
                List<Ends> accepted = new ArrayList<>();
                CountDownLatch some = new CountDownLatch(20);
                AtomicReference<ErrorCode> refusal = new AtomicReference<>();
                Thread client = Thread.ofPlatform().start(() -> {
                    while (refusal.get() != ErrorCode.ABORTED) {
                        Ends ends = new Ends();
                        try {
                            engine.engine.submit(List.of(group(1, new int[] {1, 2}, 50, ends)), true);
                            accepted.add(ends);
                            some.countDown();
                        } catch (LorikeetException e) {
                            refusal.set(e.code());
                        }
                    }
                });
                some.await();
                thread.close();
                thread.close();
                client.join();
                for (Ends ends : accepted) {
                    ends.await();
                    assertThat(ends.ends).hasValue(1);
                    failed += ends.failure.get() == null ? 0 : 1;
                }
            }
        }
        assertThat(failed).isPositive();
    }

    @Test
    void goesOnAfterAMistakeInTheEngine() throws InterruptedException {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            EngineThread thread = new EngineThread(engine.engine);
            Ends confused = new Ends();
            Ends beside = new Ends();
            engine.residency.mistake = true;
            engine.engine.submit(List.of(group(0, new int[] {3}, 3000, beside)), true);
            engine.engine.submit(List.of(group(7, new int[] {1}, 5, confused)), true);
            confused.await();
            beside.await();
            assertThat(confused.failure.get())
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL));
            engine.residency.mistake = false;
            Ends later = new Ends();
            engine.engine.submit(List.of(group(7, new int[] {1}, 5, later)), true);
            later.await();
            assertThat(later.failure.get()).isNull();
            assertThat(later.tokens).isEqualTo(FakeDevice.expected(7, new int[] {1}, 5));
            thread.close();
        }
    }

    @Test
    void isNotClosedByItsOwnThread() throws Exception {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            CompletableFuture<EngineThread> started = new CompletableFuture<>();
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            GroupListener closing = new GroupListener() {
                @Override
                public boolean onToken(int choice, SampledToken token) {
                    return true;
                }

                @Override
                public void onEnd() {
                    try {
                        started.join().close();
                    } catch (IllegalStateException e) {
                        thrown.complete(e);
                    }
                }

                @Override
                public void onFailure(LorikeetException failure) {
                    thrown.completeExceptionally(failure);
                }
            };
            SequenceGroup group = new SequenceGroup(new int[] {1}, HandSteppedEngine.settings(1, 2), null, closing, 0);
            engine.engine.submit(List.of(group), true);
            try (EngineThread thread = new EngineThread(engine.engine)) {
                started.complete(thread);
                assertThat(thrown.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
            }
        }
    }
}
