package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Submitting, streaming and cancelling on tiny models with random weights. */
@Timeout(300)
final class ServingTest {
    private static final Path SET = Golden.set("llama");
    private static final Request LONG =
            Request.tokens(List.of(76, 3)).maxTokens(400).ignoreEnd(true);

    private static Lorikeet open(Options options) {
        return Lorikeet.open(SET.resolve("model"), options);
    }

    private static Adapter load(Lorikeet model, String name) {
        return model.load(name, SET.resolve("adapters").resolve(name));
    }

    private static void assertCode(LorikeetException failure, ErrorCode code) {
        assertThat(failure.code()).as(String.valueOf(failure.getMessage())).isEqualTo(code);
    }

    /** Counts a request's calls. */
    private static final class Calls implements TokenListener {
        private final AtomicInteger tokens = new AtomicInteger();
        private final AtomicReference<Answer> answer = new AtomicReference<>();
        private final AtomicReference<LorikeetException> failure = new AtomicReference<>();
        private final AtomicInteger ends = new AtomicInteger();
        private final CountDownLatch first = new CountDownLatch(1);

        @Override
        public boolean onToken(TokenEvent event) {
            tokens.incrementAndGet();
            first.countDown();
            return true;
        }

        @Override
        public void onEnd(Answer value) {
            answer.set(value);
            ends.incrementAndGet();
        }

        @Override
        public void onFailure(LorikeetException value) {
            failure.set(value);
            ends.incrementAndGet();
        }

        private void awaitToken() throws InterruptedException {
            assertThat(first.await(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aSubmittedRequestStreamsAndEndsOnce() throws InterruptedException {
        try (Lorikeet model = open(TestDevice.OPTIONS)) {
            Calls calls = new Calls();
            Generation generation = model.submit(LONG.maxTokens(20), calls);
            Answer answer = generation.await();
            assertThat(generation.isDone()).isTrue();
            assertThat(calls.tokens).hasValue(20);
            assertThat(calls.answer.get()).isSameAs(answer);
            assertThat(calls.ends).hasValue(1);
            assertThat(answer.choices())
                    .isEqualTo(model.generate(LONG.maxTokens(20)).choices());
            assertThat(answer.usage().total())
                    .isGreaterThanOrEqualTo(answer.usage().firstToken());
            assertThat(answer.usage().firstToken())
                    .isGreaterThanOrEqualTo(answer.usage().queued());
            generation.cancel();
            assertThat(generation.await()).isSameAs(answer);
        }
    }

    @Test
    void cancellingGivesWhatThereIs() throws InterruptedException {
        try (Lorikeet model = open(TestDevice.OPTIONS)) {
            Calls calls = new Calls();
            Generation generation = model.submit(LONG, calls);
            calls.awaitToken();
            generation.cancel();
            Choice choice = generation.await().choices().getFirst();
            assertThat(choice.finish()).isEqualTo(FinishReason.CANCELLED);
            assertThat(choice.tokens()).isNotEmpty().hasSizeLessThan(400);
            assertThat(calls.ends).hasValue(1);
        }
    }

    @Test
    void requestsOfSeveralThreadsRunTogether() throws InterruptedException {
        try (Lorikeet model = open(TestDevice.OPTIONS)) {
            load(model, "all-r8");
            Object expected = TestDevice.repeatable(
                    model.generate(LONG.maxTokens(60).adapter("all-r8")).choices());
            long before = model.steps();
            List<Generation> generations = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                generations.add(model.submit(LONG.maxTokens(60).adapter("all-r8"), TokenListener.NONE));
            }
            for (Generation generation : generations) {
                assertThat(TestDevice.repeatable(generation.await().choices())).isEqualTo(expected);
            }
            // One after the other would take 360 steps.
            assertThat(model.steps() - before).isLessThan(300);
        }
    }

    @Test
    void timeLimitsFail() {
        try (Lorikeet model = open(TestDevice.OPTIONS.running(1).timeLimit(Duration.ofHours(1)))) {
            Generation running = model.submit(LONG, TokenListener.NONE);
            Generation late = model.submit(LONG.queueLimit(Duration.ofNanos(1)), TokenListener.NONE);
            assertThatThrownBy(late::await)
                    .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.TIMED_OUT));
            running.cancel();
            assertThatThrownBy(() -> model.generate(LONG.timeLimit(Duration.ofNanos(1))))
                    .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.TIMED_OUT));
        }
    }

    @Test
    void aFullQueueAndTooLongPromptsAreRefused() {
        try (Lorikeet model = open(TestDevice.OPTIONS.running(1).queueLength(1).contextTokens(600))) {
            Calls calls = new Calls();
            Generation running = model.submit(LONG, calls);
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 3; i++) {
                            model.submit(LONG, TokenListener.NONE);
                        }
                    })
                    .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.NO_ROOM))
                    .hasMessageContaining("queue");
            running.cancel();
            List<Integer> ids =
                    IntStream.range(0, 600).boxed().map(i -> 1 + i % 50).toList();
            assertThatThrownBy(() -> model.generate(Request.tokens(ids)))
                    .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.NO_ROOM))
                    .hasMessageContaining("context");
            Choice cut = model.generate(Request.tokens(ids.subList(0, 595)).ignoreEnd(true))
                    .choices()
                    .getFirst();
            assertThat(cut.tokens()).hasSize(5);
            assertThat(cut.finish()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void stopsAdmittingAndClosesInTheMiddle() throws InterruptedException {
        Lorikeet model = open(TestDevice.OPTIONS.running(1));
        Calls calls = new Calls();
        Generation running = model.submit(LONG.maxTokens(500), calls);
        Generation waiting = model.submit(LONG, TokenListener.NONE);
        calls.awaitToken();
        model.stopAdmitting();
        assertThatThrownBy(() -> model.submit(LONG, TokenListener.NONE))
                .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.ABORTED))
                .hasMessageContaining("shutting down");
        model.close();
        assertThat(running.isDone() && waiting.isDone()).isTrue();
        assertThatThrownBy(waiting::await)
                .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.ABORTED));
        assertThat(calls.ends).hasValue(1);
        assertThat(model.stats().running()).isZero();
    }

    @Test
    void aListenerThatWaitsForTheEngineIsTold() {
        try (Lorikeet model = open(TestDevice.OPTIONS)) {
            assertThatThrownBy(() -> model.generate(List.of(LONG.maxTokens(2)), event -> {
                        model.generate(LONG.maxTokens(1));
                        return true;
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("listener");
        }
    }

    @Test
    void namesAreResolvedWhenARequestIsSubmitted() {
        try (Lorikeet model = open(TestDevice.OPTIONS)) {
            Path folder = SET.resolve("adapters");
            Adapter first = model.load("a", folder.resolve("all-r8"));
            Request request = LONG.maxTokens(8).adapter("a");
            Answer before = model.generate(request);
            assertThat(before.usage().adapterId()).isEqualTo(first.id());
            Adapter second = model.replace("a", folder.resolve("rs-r16"));
            Answer after = model.generate(request);
            assertThat(after.usage().adapterId()).isEqualTo(second.id());
            assertThat(after.choices()).isNotEqualTo(before.choices());
            model.unload("a", Unload.AND_WAIT);
            assertThatThrownBy(() -> model.generate(request))
                    .isInstanceOfSatisfying(LorikeetException.class, e -> assertCode(e, ErrorCode.NOT_FOUND));
        }
    }

    /** Prompts of which many begin alike, for several adapters and the base model. */
    private static List<Request> alike(SplittableRandom random, List<String> adapters, int vocabulary, int count) {
        List<List<Integer>> beginnings = IntStream.range(0, 3)
                .mapToObj(i -> random.ints(70, 0, vocabulary).boxed().toList())
                .toList();
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<Integer> beginning = beginnings.get(random.nextInt(3));
            List<Integer> prompt = new ArrayList<>(beginning.subList(0, random.nextInt(1, 71)));
            random.ints(random.nextInt(10), 0, vocabulary).forEach(prompt::add);
            Request request = Request.tokens(prompt)
                    .maxTokens(random.nextInt(1, 40))
                    .choices(random.nextInt(1, 3))
                    .seed(random.nextLong())
                    .ignoreEnd(true)
                    .sampling(SamplingSettings.GREEDY
                            .withTemperature(random.nextInt(2))
                            .withLogProbs(2));
            int adapter = random.nextInt(adapters.size() + 1);
            requests.add(adapter == adapters.size() ? request : request.adapter(adapters.get(adapter)));
        }
        return requests;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "llama-dynamic", "mistral", "qwen2"})
    void cacheAndPreemptionsChangeNoBit(String set) {
        long seed = 42;
        SplittableRandom random = new SplittableRandom(seed);
        Path folder = Golden.set(set);
        List<String> names = adapters(folder);
        Options plain = TestDevice.OPTIONS.prefixCache(false);
        // Room for two of the longest texts: there is always somebody who must be put back.
        Options tight =
                TestDevice.OPTIONS.cacheTokens(240).stepTokens(48).running(6).batchAdapters(1);
        try (Lorikeet reference = Lorikeet.open(folder.resolve("model"), plain);
                Lorikeet model = Lorikeet.open(folder.resolve("model"), tight)) {
            for (String name : names) {
                reference.load(name, folder.resolve("adapters").resolve(name));
                model.load(name, folder.resolve("adapters").resolve(name));
            }
            List<Request> requests = alike(random, names, reference.config().vocabulary(), 40);
            List<Answer> answers = model.generate(requests);
            for (int i = 0; i < requests.size(); i++) {
                assertThat(TestDevice.repeatable(answers.get(i).choices()))
                        .as("request %d of seed %d", i, seed)
                        .isEqualTo(TestDevice.repeatable(
                                reference.generate(requests.get(i)).choices()));
            }
            assertThat(model.stats().preemptions()).as("seed %d", seed).isPositive();
            // Beyond 32 tokens the dynamic model turns each text in its own way, so hardly anything can be shared.
            if (!set.equals("llama-dynamic")) {
                assertThat(model.stats().cachedPromptTokens())
                        .as("seed %d", seed)
                        .isPositive();
            }
            assertThat(reference.stats().cachedPromptTokens()).isZero();
        }
    }

    private static List<String> adapters(Path set) {
        try (var folders = java.nio.file.Files.list(set.resolve("adapters"))) {
            return folders.map(folder -> folder.getFileName().toString())
                    .sorted()
                    .limit(3)
                    .toList();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void scoresPrompts() {
        try (Lorikeet model = open(TestDevice.OPTIONS.stepTokens(16).running(2))) {
            load(model, "all-r8");
            List<Integer> prompt = new SplittableRandom(3)
                    .ints(50, 0, model.config().vocabulary())
                    .boxed()
                    .toList();
            Request request = Request.tokens(prompt).maxTokens(1).adapter("all-r8");
            List<SampledToken> scores =
                    model.generate(request.promptLogProbs(0, 3)).promptScores();
            assertThat(scores.stream().map(SampledToken::id)).isEqualTo(prompt.subList(1, 50));
            for (int i = 1; i < 50; i += 7) {
                Request shorter = Request.tokens(prompt.subList(0, i)).adapter("all-r8");
                float[] logits = model.logits(List.of(shorter)).getFirst();
                double sum = 0;
                for (float logit : logits) {
                    sum += Math.exp(logit);
                }
                assertThat((double) scores.get(i - 1).logProb())
                        .isCloseTo(logits[prompt.get(i)] - Math.log(sum), within(TestDevice.isExact() ? 1e-4 : 0.1));
            }
            List<SampledToken> last =
                    model.generate(request.promptLogProbs(30, 3)).promptScores();
            assertThat(last).extracting(SampledToken::id).isEqualTo(prompt.subList(30, 50));
            if (TestDevice.isExact()) {
                assertThat(last).isEqualTo(scores.subList(29, 49));
            }
            assertThat(model.generate(request).promptScores()).isEmpty();
        }
    }
}
