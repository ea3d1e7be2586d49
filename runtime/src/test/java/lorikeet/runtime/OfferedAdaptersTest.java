package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests for adapters that a folder offers, more than may be loaded. */
@Timeout(120)
class OfferedAdaptersTest {
    private static final int OFFERED = 7;

    @TempDir
    private Path temp;

    @Test
    void requestsThatGoTogetherDoNotWaitForEachOther() {
        AdapterVariants variants = new AdapterVariants(temp, OFFERED);
        Options options = TestDevice.OPTIONS.threads(1).adapterFolder(temp).loadedAdapters(2);
        try (Lorikeet model = Lorikeet.open(AdapterVariants.MODEL, options)) {
            List<Answer> answers = model.generate(IntStream.range(0, 2 * OFFERED)
                    .mapToObj(i -> AdapterVariants.request().adapter(String.valueOf(i % OFFERED)))
                    .toList());
            for (int i = 0; i < answers.size(); i++) {
                assertThat(AdapterVariants.tokens(answers.get(i))).isEqualTo(variants.answer(i % OFFERED));
            }
            Request missing = AdapterVariants.request().adapter("missing");
            assertCode(ErrorCode.NOT_FOUND, () -> model.generate(List.of(AdapterVariants.request(), missing)));
            while (model.stats().running() > 0) {
                Thread.onSpinWait(); // the numbers are those of the last step
            }
        }
    }

    @Test
    void theTimeLimitsCountFromTheCall() throws Exception {
        AdapterVariants variants = new AdapterVariants(temp, 2);
        Options options = TestDevice.OPTIONS.threads(1).adapterFolder(temp).loadedAdapters(1);
        try (Lorikeet model = Lorikeet.open(AdapterVariants.MODEL, options)) {
            CompletableFuture<ErrorCode> fromTheListener = new CompletableFuture<>();
            Request one = AdapterVariants.request().adapter("1");
            Answer answer = model.generate(List.of(AdapterVariants.request().adapter("0")), event -> {
                        if (!fromTheListener.isDone()) {
                            fromTheListener.complete(code(() -> model.submit(one, TokenListener.NONE)));
                        }
                        return true;
                    })
                    .getFirst();
            assertThat(AdapterVariants.tokens(answer)).isEqualTo(variants.answer(0));
            // The engine's thread can't wait for itself.
            assertThat(fromTheListener.get()).isEqualTo(ErrorCode.NO_ROOM);
            Generation endless =
                    model.submit(AdapterVariants.request().adapter("0").maxTokens(100), TokenListener.NONE);
            assertCode(
                    ErrorCode.TIMED_OUT,
                    () -> model.submit(one.queueLimit(Duration.ofNanos(1)), TokenListener.NONE)
                            .await());
            endless.cancel();
            assertThat(AdapterVariants.tokens(model.generate(one))).isEqualTo(variants.answer(1));
        }
    }

    @Test
    void whoeverWaitsForRoomIsCounted() throws Exception {
        AdapterVariants variants = new AdapterVariants(temp, 2);
        Options options = TestDevice.OPTIONS.threads(1).adapterFolder(temp).loadedAdapters(1);
        CountDownLatch mayGoOn = new CountDownLatch(1);
        try (Lorikeet model = Lorikeet.open(AdapterVariants.MODEL, options);
                ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Generation held = model.submit(AdapterVariants.request().adapter("0"), event -> {
                try {
                    return mayGoOn.await(60, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            Future<Answer> other = threads.submit(
                    () -> model.generate(AdapterVariants.request().adapter("1")));
            while (model.adapter("0").isPresent()) {
                Thread.onSpinWait();
            }
            assertThat(model.stats().waiting()).isPositive();
            mayGoOn.countDown();
            assertThat(AdapterVariants.tokens(held.await())).isEqualTo(variants.answer(0));
            assertThat(AdapterVariants.tokens(other.get())).isEqualTo(variants.answer(1));
            while (model.stats().waiting() > 0) {
                Thread.onSpinWait();
            }
        }
    }

    private static ErrorCode code(Runnable call) {
        try {
            call.run();
            throw new AssertionError("not refused");
        } catch (LorikeetException e) {
            return e.code();
        }
    }

    private static void assertCode(ErrorCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
