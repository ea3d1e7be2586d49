package lorikeet.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import lorikeet.kernels.SampledToken;
import lorikeet.memory.SlabLease;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.engine.HandSteppedEngine.Outcome;
import lorikeet.runtime.engine.HandSteppedEngine.Sizes;
import lorikeet.runtime.engine.HandSteppedEngine.Submitted;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine, stepped by hand over a device whose results depend on each key in each block. */
@ParameterizedClass(name = "looks ahead: {0}")
@ValueSource(booleans = {false, true})
final class EngineTest {
    private final Sizes sizes;
    private @Nullable HandSteppedEngine opened;

    EngineTest(boolean looksAhead) {
        sizes = new Sizes(looksAhead);
    }

    private HandSteppedEngine open() {
        opened = new HandSteppedEngine(sizes);
        return opened;
    }

    @AfterEach
    void closeAndCheckThatNothingIsLeft() {
        if (opened != null) {
            opened.engine.shutDown();
            EngineStats stats = opened.engine.stats();
            assertThat(stats.running() + stats.waiting() + stats.usedBlocks()).isZero();
            assertThat(opened.residency.held()).isZero();
            opened.memory.cache().clear();
            while (opened.residency.evictOne()) {
                // until all are gone
            }
            opened.residency.poll();
            while (opened.residency.evictOne()) {
                // those that were still coming
            }
            assertThat(opened.memory.blocks().lent()).isZero();
            assertThat(opened.pool.available()).isEqualTo(opened.pool.capacity());
            opened.close();
        }
    }

    private static void assertAnswered(Submitted request) {
        assertThat(request.outcome().failure).as(request.toString()).isNull();
        assertThat(request.outcome().ended).as(request.toString()).isTrue();
        assertThat(request.outcome().tokens)
                .isNotEmpty()
                .allSatisfy(tokens -> assertThat(tokens).isEqualTo(request.expected()));
    }

    private static void assertFailed(Submitted request, ErrorCode code) {
        assertThat(request.outcome().failure)
                .isNotNull()
                .satisfies(failure -> assertThat(failure.code()).isEqualTo(code));
    }

    @Test
    void aPromptIsComputedInChunksBesideARunningSequence() {
        sizes.stepTokens = 10;
        HandSteppedEngine engine = open();
        Submitted running = engine.submit(0, HandSteppedEngine.prompt(1, 3), 20);
        engine.engine.doWork();
        Submitted longer = engine.submit(0, HandSteppedEngine.prompt(2, 45), 4);
        engine.run();
        assertAnswered(running);
        assertAnswered(longer);
        assertThat(engine.device.steps()).allMatch(step -> step.tokens() <= 10);
        // Five chunks of nine tokens, each beside a token of the other.
        assertThat(engine.device.steps().subList(1, 6)).allMatch(step -> step.tokens() == 10);
        assertThat(engine.device.steps().subList(1, 5)).allMatch(step -> step.outputs() == 1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manyRequestsInLittleMemoryGetWhatTheyGetAlone(boolean prefixCache) {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 30; round++) {
            sizes.prefixCache = prefixCache;
            sizes.slabs = random.nextInt(8, 16);
            sizes.running = random.nextInt(1, 9);
            sizes.stepTokens = random.nextInt(sizes.running, 40);
            sizes.batchAdapters = random.nextInt(1, 4);
            sizes.residentAdapters = random.nextInt(1, 4);
            HandSteppedEngine engine = open();
            List<Submitted> requests = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int[] prompt = HandSteppedEngine.prompt(random.nextInt(4), random.nextInt(1, 150));
                requests.add(engine.submit(
                        random.nextInt(6),
                        prompt,
                        HandSteppedEngine.settings(random.nextInt(1, 4), random.nextInt(1, 60)),
                        new Outcome()));
                for (int steps = random.nextInt(4); steps > 0; steps--) {
                    engine.engine.doWork();
                }
            }
            engine.run();
            requests.forEach(request -> assertThat(request.outcome().tokens)
                    .as("seed %d round %d", seed, round(request))
                    .hasSize(request.group().settings().sampling().size()));
            requests.forEach(EngineTest::assertAnswered);
            closeAndCheckThatNothingIsLeft();
            opened = null;
        }
    }

    private static int round(Submitted request) {
        return request.prompt().length;
    }

    @Test
    void theNewestIsPutBackWhenBlocksRunOutAndGoesOnLater() {
        sizes.slabs = 2;
        HandSteppedEngine engine = open();
        // Eight blocks: each of the two needs six of them in the end.
        Submitted first = engine.submit(0, HandSteppedEngine.prompt(1, 20), 70);
        Submitted second = engine.submit(0, HandSteppedEngine.prompt(2, 20), 70);
        engine.run();
        assertThat(engine.engine.stats().preemptions()).isPositive();
        assertThat(first.group().totalNanos()).isNotNegative();
        assertAnswered(first);
        assertAnswered(second);
    }

    @Test
    void aBeginningThatIsKnownIsNotComputedAgain() {
        HandSteppedEngine engine = open();
        Submitted first = engine.submit(3, HandSteppedEngine.prompt(1, 50), 20);
        engine.run();
        int before = engine.device.steps().size();
        Submitted again = engine.submit(3, HandSteppedEngine.prompt(1, 50), 20);
        engine.run();
        assertAnswered(first);
        assertAnswered(again);
        assertThat(first.group().cachedTokens()).isZero();
        assertThat(again.group().cachedTokens()).isEqualTo(48);
        assertThat(engine.device.steps().get(before).tokens()).isEqualTo(2);
        assertThat(engine.engine.stats().cachedTokens()).isEqualTo(48);
    }

    @Test
    void theLastTokenOfAPromptIsAlwaysComputed() {
        HandSteppedEngine engine = open();
        engine.submit(0, HandSteppedEngine.prompt(1, 48), 1);
        engine.run();
        Submitted again = engine.submit(0, HandSteppedEngine.prompt(1, 48), 5);
        engine.run();
        assertThat(again.group().cachedTokens()).isEqualTo(32);
        assertAnswered(again);
    }

    @Test
    void aConversationFindsTheAnswerToo() {
        HandSteppedEngine engine = open();
        int[] prompt = HandSteppedEngine.prompt(1, 20);
        Submitted first = engine.submit(2, prompt, 30);
        engine.run();
        int[] longer = IntStream.concat(
                        IntStream.concat(
                                IntStream.of(prompt),
                                first.outcome().tokens.getFirst().stream().mapToInt(Integer::intValue)),
                        IntStream.of(5, 6, 7))
                .toArray();
        Submitted second = engine.submit(2, longer, 10);
        engine.run();
        assertAnswered(second);
        assertThat(second.group().cachedTokens()).isEqualTo(48);
    }

    @Test
    void adaptersAndTheBaseModelNeverShareABeginning() {
        HandSteppedEngine engine = open();
        for (long adapter = 0; adapter < 5; adapter++) {
            Submitted request = engine.submit(adapter, HandSteppedEngine.prompt(1, 60), 8);
            engine.run();
            assertThat(request.group().cachedTokens()).isZero();
            assertAnswered(request);
        }
    }

    @Test
    void aForgottenAdapterIsNotFoundAgain() {
        HandSteppedEngine engine = open();
        engine.submit(4, HandSteppedEngine.prompt(1, 60), 2);
        engine.run();
        assertThat(engine.engine.stats().cachedBlocks()).isEqualTo(3);
        engine.engine.forget(4);
        engine.engine.doWork();
        assertThat(engine.engine.stats().cachedBlocks()).isZero();
        Submitted again = engine.submit(4, HandSteppedEngine.prompt(1, 60), 2);
        engine.run();
        assertThat(again.group().cachedTokens()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void choicesShareThePromptsBlocks(boolean prefixCache) {
        sizes.prefixCache = prefixCache;
        sizes.stepTokens = 200;
        HandSteppedEngine engine = open();
        Submitted request =
                engine.submit(1, HandSteppedEngine.prompt(1, 100), HandSteppedEngine.settings(4, 10), new Outcome());
        for (int i = 0; i < 4; i++) {
            engine.engine.doWork();
        }
        EngineStats stats = engine.engine.stats();
        assertThat(stats.running()).isEqualTo(4);
        // Six full blocks for all, and one for each.
        assertThat(stats.usedBlocks()).isEqualTo(6 + 4);
        engine.run();
        assertAnswered(request);
        assertThat(request.outcome().tokens).hasSize(4);
        int computed =
                engine.device.steps().stream().mapToInt(FakeDevice.Step::tokens).sum();
        assertThat(computed).isEqualTo(100 + 3 * 4 + 4 * 9);
        assertThat(engine.engine.stats().cachedBlocks()).isEqualTo(prefixCache ? 6 : 0);
    }

    @Test
    void aCancelledRequestEndsAfterTheStep() {
        HandSteppedEngine engine = open();
        Submitted running = engine.submit(1, HandSteppedEngine.prompt(1, 5), 1000);
        Submitted other = engine.submit(1, HandSteppedEngine.prompt(2, 5), 30);
        engine.engine.doWork();
        engine.engine.doWork();
        engine.engine.doWork();
        engine.engine.cancel(running.group());
        engine.engine.cancel(running.group());
        engine.engine.doWork();
        assertThat(running.outcome().ended).isTrue();
        List<Integer> got = running.outcome().tokens.getFirst();
        assertThat(got).isNotEmpty().isEqualTo(running.expected().subList(0, got.size()));
        assertThat(engine.engine.stats().running()).isEqualTo(1);
        engine.run();
        assertAnswered(other);
    }

    @Test
    void aWaitingRequestCanBeCancelled() {
        sizes.running = 1;
        HandSteppedEngine engine = open();
        Submitted first = engine.submit(0, HandSteppedEngine.prompt(1, 5), 10);
        Submitted second = engine.submit(0, HandSteppedEngine.prompt(2, 5), 10);
        engine.engine.doWork();
        engine.engine.cancel(second.group());
        engine.engine.doWork();
        assertThat(second.outcome().ended).isTrue();
        assertThat(second.outcome().tokens).isEmpty();
        engine.run();
        assertAnswered(first);
    }

    @Test
    void aRequestIsAbortedWithTheReasonGiven() {
        HandSteppedEngine engine = open();
        Submitted request = engine.submit(1, HandSteppedEngine.prompt(1, 5), 1000);
        engine.engine.doWork();
        engine.engine.abort(request.group(), new LorikeetException(ErrorCode.ABORTED, "gone"));
        engine.engine.doWork();
        assertFailed(request, ErrorCode.ABORTED);
    }

    @Test
    void timeLimitsEndRequestsThatWaitAndThatRun() {
        sizes.running = 1;
        HandSteppedEngine engine = open();
        Submitted running = engine.submit(
                0,
                HandSteppedEngine.prompt(1, 5),
                new GroupSettings(HandSteppedEngine.greedy(1), 500, null, false, 50, 200),
                new Outcome());
        engine.engine.doWork();
        Submitted waiting = engine.submit(
                0,
                HandSteppedEngine.prompt(2, 5),
                new GroupSettings(HandSteppedEngine.greedy(1), 500, null, false, 100, 0),
                new Outcome());
        engine.now = 99;
        engine.engine.doWork();
        assertThat(running.outcome().isDone()).isFalse();
        assertThat(waiting.outcome().isDone()).isFalse();
        assertThat(engine.engine.idleNanos()).isEqualTo(1);
        engine.now = 100;
        engine.engine.doWork();
        assertFailed(waiting, ErrorCode.TIMED_OUT);
        assertThat(running.outcome().isDone()).isFalse();
        engine.now = 200;
        engine.engine.doWork();
        assertFailed(running, ErrorCode.TIMED_OUT);
        assertThat(running.group().totalNanos()).isEqualTo(200);
        assertThat(waiting.group().queuedNanos()).isEqualTo(100);
    }

    @Test
    void aFullQueueRefuses() {
        sizes.running = 1;
        sizes.queue = 2;
        HandSteppedEngine engine = open();
        engine.submit(0, HandSteppedEngine.prompt(1, 5), 10);
        engine.engine.doWork();
        engine.submit(0, HandSteppedEngine.prompt(1, 5), 10);
        engine.submit(0, HandSteppedEngine.prompt(1, 5), 10);
        assertThatThrownBy(() -> engine.submit(0, HandSteppedEngine.prompt(1, 5), 10))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NO_ROOM))
                .hasMessageContaining("queue");
        engine.run();
        engine.submit(0, HandSteppedEngine.prompt(1, 5), 10);
        engine.run();
        assertThat(engine.engine.stats().answered()).isEqualTo(4);
    }

    @Test
    void whatDoesNotFitAloneIsRefused() {
        sizes.slabs = 1;
        HandSteppedEngine engine = open();
        assertThatThrownBy(() -> engine.submit(0, HandSteppedEngine.prompt(1, 60), 6))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NO_ROOM))
                .hasMessageContaining("KV blocks");
        Submitted fits = engine.submit(0, HandSteppedEngine.prompt(1, 60), 5);
        engine.run();
        assertAnswered(fits);
    }

    @Test
    void memoryThatAnAdapterTakesForGoodFailsTheRequestThatNeedsIt() {
        sizes.slabs = 2;
        HandSteppedEngine engine = open();
        // The adapter's own slab leaves four blocks; 100 tokens take seven.
        Submitted tooLong = engine.submit(1, HandSteppedEngine.prompt(1, 100), 5);
        Submitted other = engine.submit(0, HandSteppedEngine.prompt(2, 100), 5);
        engine.run();
        assertFailed(tooLong, ErrorCode.NO_ROOM);
        assertAnswered(other);
    }

    @Test
    void whatRunsAloneFailsWhenSomebodyElseEmptiesThePool() {
        sizes.slabs = 4;
        HandSteppedEngine engine = open();
        SlabLease taken = engine.pool.lease(3).orElseThrow();
        Submitted tooMuch = engine.submit(0, HandSteppedEngine.prompt(1, 100), 5);
        Submitted grows = engine.submit(0, HandSteppedEngine.prompt(2, 50), 30);
        Submitted small = engine.submit(0, HandSteppedEngine.prompt(3, 20), 20);
        engine.run();
        assertFailed(tooMuch, ErrorCode.NO_ROOM);
        assertFailed(grows, ErrorCode.NO_ROOM);
        assertAnswered(small);
        taken.close();
        Submitted again = engine.submit(0, HandSteppedEngine.prompt(1, 100), 5);
        engine.run();
        assertAnswered(again);
    }

    @Test
    void oneBadRowFailsItsRequestOnly() {
        HandSteppedEngine engine = open();
        engine.device.poison = 96;
        List<Submitted> good = new ArrayList<>();
        List<Submitted> bad = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            good.add(engine.submit(1 + i % 2, new int[] {i + 1, 2}, 1));
            if (i % 2 == 0) {
                bad.add(engine.submit(1 + i % 2, new int[] {i + 1, 96}, 1));
            }
        }
        engine.run();
        good.forEach(EngineTest::assertAnswered);
        bad.forEach(request -> assertFailed(request, ErrorCode.INVALID_FILE));
    }

    @Test
    void aStepThatThrowsFailsWhatWasInItAndTheEngineGoesOn() {
        sizes.running = 2;
        HandSteppedEngine engine = open();
        engine.device.failingStep = 3;
        Submitted first = engine.submit(1, HandSteppedEngine.prompt(1, 40), 20);
        Submitted second = engine.submit(2, HandSteppedEngine.prompt(2, 20), 20);
        Submitted waiting = engine.submit(1, HandSteppedEngine.prompt(1, 40), 20);
        engine.run();
        assertFailed(first, ErrorCode.INTERNAL);
        assertFailed(second, ErrorCode.INTERNAL);
        assertAnswered(waiting);
    }

    @Test
    void aBaseFileCutShortFailsWithInvalidFileUntilItIsWhole() {
        HandSteppedEngine engine = open();
        Submitted first = engine.submit(1, HandSteppedEngine.prompt(1, 40), 20);
        engine.engine.doWork();
        engine.engine.doWork();
        engine.device.brokenFile = new LorikeetException(ErrorCode.INVALID_FILE, "cut");
        engine.engine.doWork();
        assertFailed(first, ErrorCode.INVALID_FILE);
        engine.device.brokenFile = null;
        Submitted second = engine.submit(1, HandSteppedEngine.prompt(1, 40), 20);
        engine.run();
        assertAnswered(second);
    }

    @Test
    void aBrokenAdapterFailsItsOwnRequests() {
        HandSteppedEngine engine = open();
        engine.residency.broken.add(2L);
        Submitted fine = engine.submit(1, HandSteppedEngine.prompt(1, 40), 20);
        Submitted broken =
                engine.submit(2, HandSteppedEngine.prompt(1, 40), HandSteppedEngine.settings(3, 5), new Outcome());
        engine.run();
        assertAnswered(fine);
        assertFailed(broken, ErrorCode.INVALID_FILE);
        assertThat(engine.engine.stats().failed()).isEqualTo(1);
    }

    @Test
    void aListenerThatThrowsFailsItsRequestOnly() {
        HandSteppedEngine engine = open();
        Outcome throwing = new Outcome();
        throwing.thrown = new IllegalStateException("mine");
        Submitted bad = engine.submit(1, HandSteppedEngine.prompt(1, 5), HandSteppedEngine.settings(2, 9), throwing);
        Submitted good = engine.submit(1, HandSteppedEngine.prompt(1, 5), 9);
        engine.run();
        assertFailed(bad, ErrorCode.INTERNAL);
        assertThat(bad.outcome().failure).hasRootCauseMessage("mine");
        assertAnswered(good);
    }

    @Test
    void aListenerEndsOneChoice() {
        HandSteppedEngine engine = open();
        Outcome outcome = new Outcome();
        outcome.stopAfter = 3;
        Submitted request = engine.submit(0, HandSteppedEngine.prompt(1, 5), HandSteppedEngine.settings(2, 9), outcome);
        engine.run();
        assertThat(outcome.tokens)
                .allSatisfy(tokens ->
                        assertThat(tokens).isEqualTo(request.expected().subList(0, 3)));
        assertThat(outcome.ended).isTrue();
    }

    @Test
    void promptScoresDoNotDependOnChunksCacheOrMemory() {
        int[] prompt = HandSteppedEngine.prompt(1, 70);
        GroupSettings settings =
                new GroupSettings(HandSteppedEngine.greedy(2), 30, new GroupSettings.Scoring(20, 2), false, 0, 0);
        HandSteppedEngine engine = open();
        Submitted alone = engine.submit(1, prompt, settings, new Outcome());
        engine.run();
        List<SampledToken> scores = List.copyOf(alone.group().scores());
        assertThat(scores).hasSize(50);
        assertThat(scores.stream().map(SampledToken::id))
                .isEqualTo(IntStream.range(20, 70).mapToObj(i -> prompt[i]).toList());
        assertThat(scores).allSatisfy(score -> assertThat(score.alternatives()).hasSize(2));
        Submitted cached = engine.submit(1, prompt, settings, new Outcome());
        engine.run();
        assertThat(cached.group().cachedTokens()).isEqualTo(16);
        assertThat(cached.group().scores()).isEqualTo(scores);
        assertAnswered(cached);
        closeAndCheckThatNothingIsLeft();
        sizes.slabs = 3;
        sizes.stepTokens = 8;
        HandSteppedEngine small = open();
        List<Submitted> requests = IntStream.range(0, 4)
                .mapToObj(i -> small.submit(1, prompt, settings, new Outcome()))
                .toList();
        small.run();
        for (Submitted request : requests) {
            assertAnswered(request);
            assertThat(request.group().scores()).isEqualTo(scores);
        }
    }

    @Test
    void shuttingDownFailsWhatRunsAndWaitsAndRefusesMore() {
        sizes.running = 1;
        HandSteppedEngine engine = open();
        Submitted running = engine.submit(1, HandSteppedEngine.prompt(1, 5), 100);
        Submitted waiting = engine.submit(0, HandSteppedEngine.prompt(1, 5), 100);
        engine.engine.doWork();
        engine.engine.doWork();
        Submitted unseen = engine.submit(0, HandSteppedEngine.prompt(1, 5), 100);
        engine.engine.shutDown();
        assertFailed(running, ErrorCode.ABORTED);
        assertFailed(waiting, ErrorCode.ABORTED);
        assertFailed(unseen, ErrorCode.ABORTED);
        assertThatThrownBy(() -> engine.submit(0, HandSteppedEngine.prompt(1, 5), 100))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ABORTED));
    }

    @Test
    void thoseWhoSubmitWithoutPauseDontStopTheOthers() {
        HandSteppedEngine engine = open();
        Submitted other = engine.submit(0, HandSteppedEngine.prompt(1, 3), 5);
        // Whenever a request ends, its listener submits another and ends that: there is always one more command.
        GroupListener again = new GroupListener() {
            @Override
            public boolean onToken(int choice, SampledToken token) {
                return true;
            }

            @Override
            public void onEnd() {
                if (!other.outcome().isDone()) {
                    SequenceGroup next =
                            new SequenceGroup(new int[] {1}, HandSteppedEngine.settings(1, 5), null, this, 0);
                    engine.engine.submit(List.of(next), false);
                    engine.engine.cancel(next);
                }
            }

            @Override
            public void onFailure(LorikeetException reason) {
                throw new AssertionError(reason);
            }
        };
        again.onEnd();
        engine.run();
        assertAnswered(other);
    }
}
