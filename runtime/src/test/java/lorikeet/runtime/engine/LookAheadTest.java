package lorikeet.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.engine.HandSteppedEngine.Outcome;
import lorikeet.runtime.engine.HandSteppedEngine.Sizes;
import lorikeet.runtime.engine.HandSteppedEngine.Submitted;
import org.junit.jupiter.api.Test;

/** Steps that are launched before the tokens of the last one were seen. */
final class LookAheadTest {
    private final Sizes sizes = new Sizes(true);

    private static void assertAnswered(Submitted request) {
        assertThat(request.outcome().failure).as(request.toString()).isNull();
        assertThat(request.outcome().ended).as(request.toString()).isTrue();
        assertThat(request.outcome().tokens)
                .allSatisfy(tokens -> assertThat(tokens).isEqualTo(request.expected()));
    }

    @Test
    void theNextStepIsLaunchedBeforeTheTokenIsThere() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            Submitted request = engine.submit(0, HandSteppedEngine.prompt(1, 20), 10);
            engine.engine.doWork();
            assertThat(engine.device.steps()).hasSize(1);
            assertThat(request.outcome().tokens).isEmpty();
            for (int step = 2; step <= 10; step++) {
                engine.engine.doWork();
                assertThat(engine.device.steps()).hasSize(step);
                assertThat(request.outcome().tokens.getFirst()).hasSize(step - 1);
                assertThat(engine.engine.stats().steps()).isEqualTo(step - 1);
            }
            engine.run();
            assertAnswered(request);
            // The last token is known to be the last before it is there.
            assertThat(engine.device.steps()).hasSize(10);
        }
    }

    @Test
    void whatAStepTooManyWorksWithIsGivenBackWhenItHasLanded() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            Outcome outcome = new Outcome();
            outcome.stopAfter = 3;
            Submitted request =
                    engine.submit(1, HandSteppedEngine.prompt(1, 5), HandSteppedEngine.settings(1, 9), outcome);
            while (!outcome.ended) {
                engine.engine.doWork();
            }
            assertThat(outcome.tokens.getFirst()).isEqualTo(request.expected().subList(0, 3));
            assertThat(engine.device.steps()).hasSize(4);
            assertThat(engine.engine.stats().running()).isZero();
            assertThat(engine.engine.stats().usedBlocks()).isOne();
            assertThat(engine.residency.held()).isOne();
            assertThat(engine.engine.doWork()).isPositive();
            assertThat(engine.engine.stats().usedBlocks()).isZero();
            assertThat(engine.residency.held()).isZero();
            assertThat(engine.engine.stats().steps()).isEqualTo(4);
            assertThat(engine.engine.stats().generatedTokens()).isEqualTo(3);
            assertThat(engine.engine.doWork()).isZero();
        }
    }

    @Test
    void drawnTextsAreWhatTheyAreWithoutLookingAhead() {
        SamplingSettings drawn = SamplingSettings.GREEDY.withTemperature(3).withLogProbs(2);
        List<SamplingSettings> choices = List.of(
                drawn.withSeed(1),
                drawn.withSeed(2).withTopK(20).withTopP(0.9f),
                drawn.withSeed(3).withPenalties(1.3f, 0.5f, 0.2f),
                drawn.withSeed(4).withBias(LogitBias.of(Map.of(7, 4f)).barring(Set.of(7, 8, 9), 12)));
        List<List<List<Integer>>> texts = new ArrayList<>();
        for (boolean looksAhead : new boolean[] {false, true}) {
            try (HandSteppedEngine engine = new HandSteppedEngine(new Sizes(looksAhead))) {
                Submitted request = engine.submit(
                        2,
                        HandSteppedEngine.prompt(1, 30),
                        new GroupSettings(choices, 25, null, false, 0, 0),
                        new Outcome());
                engine.run();
                texts.add(request.outcome().tokens);
            }
        }
        assertThat(texts.getFirst()).hasSize(4).doesNotHaveDuplicates();
        assertThat(texts.getLast()).isEqualTo(texts.getFirst());
    }

    @Test
    void aStepWhoseLogitsAreWantedLandsBeforeTheNext() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            Submitted other = engine.submit(0, HandSteppedEngine.prompt(2, 5), 9);
            engine.engine.doWork();
            List<Integer> likely = new ArrayList<>();
            Outcome outcome = new Outcome() {
                @Override
                public void onLogits(int choice, float[] logits) {
                    int best = 0;
                    for (int token = 1; token < logits.length; token++) {
                        best = logits[token] > logits[best] ? token : best;
                    }
                    likely.add(best);
                }
            };
            GroupSettings settings = new GroupSettings(HandSteppedEngine.greedy(1), 4, null, true, 0, 0);
            Submitted request = engine.submit(0, HandSteppedEngine.prompt(1, 5), settings, outcome);
            engine.engine.doWork();
            assertThat(outcome.tokens.getFirst()).hasSize(1);
            assertThat(other.outcome().tokens.getFirst()).hasSize(2);
            engine.run();
            assertAnswered(request);
            assertAnswered(other);
            assertThat(likely).isEqualTo(request.expected());
        }
    }

    @Test
    void aStepThatFailsLeavesTheNextOneToThoseThatWereNotInIt() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            engine.device.failingStep = 2;
            Submitted first = engine.submit(1, HandSteppedEngine.prompt(1, 20), 20);
            engine.engine.doWork();
            engine.engine.doWork();
            engine.engine.doWork();
            Submitted second = engine.submit(2, HandSteppedEngine.prompt(2, 20), 20);
            engine.run();
            assertThat(first.outcome().failure)
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL));
            assertThat(first.outcome().tokens.getFirst())
                    .isEqualTo(first.expected().subList(0, 2));
            assertAnswered(second);
            assertThat(engine.residency.held()).isZero();
        }
    }

    @Test
    void whoHasFailedIsNotShownTheLogitsOfTheNextStep() {
        sizes.stepTokens = 16;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            // Two pieces of the prompt have no logits; the second fails when the third was launched.
            engine.device.failingStep = 1;
            List<Integer> shown = new ArrayList<>();
            Outcome outcome = new Outcome() {
                @Override
                public void onLogits(int choice, float[] logits) {
                    shown.add(choice);
                }
            };
            GroupSettings settings = new GroupSettings(HandSteppedEngine.greedy(1), 4, null, true, 0, 0);
            engine.submit(0, HandSteppedEngine.prompt(1, 40), settings, outcome);
            engine.run();
            assertThat(engine.device.steps()).hasSize(3);
            assertThat(outcome.failure).isNotNull();
            assertThat(shown).isEmpty();
        }
    }

    @Test
    void aStepThatIsNotLaunchedFailsWhatWasToBeInIt() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            engine.device.refusedStep = 4;
            Submitted ending = engine.submit(0, HandSteppedEngine.prompt(3, 20), 4);
            Submitted first = engine.submit(1, HandSteppedEngine.prompt(1, 20), 20);
            while (!first.outcome().isDone()) {
                engine.engine.doWork();
            }
            assertAnswered(ending);
            assertThat(first.outcome().failure)
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL));
            Submitted second = engine.submit(2, HandSteppedEngine.prompt(2, 20), 20);
            engine.run();
            assertAnswered(second);
            assertThat(engine.residency.held()).isZero();
            assertThat(engine.engine.stats().usedBlocks()).isZero();
        }
    }

    @Test
    void shuttingDownWaitsForTheStepInFlight() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            Submitted request = engine.submit(1, HandSteppedEngine.prompt(1, 20), 20);
            engine.steps(3);
            assertThat(engine.residency.held()).isOne();
            engine.engine.shutDown();
            assertThat(request.outcome().failure)
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ABORTED));
            assertThat(engine.residency.held()).isZero();
            assertThat(engine.engine.stats().usedBlocks()).isZero();
        }
    }

    /** The device computes as late as it may, and adapters come into slabs as soon as these are free. */
    @Test
    void textsThatEndAtAnyTimeHarmNobody() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 60; round++) {
            sizes.slabs = random.nextInt(8, 14);
            sizes.prefixCache = random.nextBoolean();
            sizes.residentAdapters = random.nextInt(1, 5);
            sizes.batchAdapters = random.nextInt(1, 4);
            List<Submitted> requests = new ArrayList<>();
            List<Submitted> cancelled = new ArrayList<>();
            try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
                for (int i = 0; i < 80; i++) {
                    Outcome outcome = new Outcome();
                    outcome.stopAfter = random.nextInt(4) == 0 ? random.nextInt(1, 20) : Integer.MAX_VALUE;
                    requests.add(engine.submit(
                            random.nextInt(6),
                            HandSteppedEngine.prompt(random.nextInt(3), random.nextInt(1, 60)),
                            HandSteppedEngine.settings(random.nextInt(1, 3), random.nextInt(1, 40)),
                            outcome));
                    if (random.nextInt(5) == 0) {
                        Submitted one = requests.get(random.nextInt(requests.size()));
                        cancelled.add(one);
                        engine.engine.cancel(one.group());
                    }
                    for (int steps = random.nextInt(6); steps > 0; steps--) {
                        engine.engine.doWork();
                    }
                }
                engine.run();
                assertThat(engine.engine.stats().usedBlocks()).isZero();
                assertThat(engine.residency.held()).isZero();
                while (engine.residency.evictOne()) {
                    // It looks whether somebody has written into it.
                }
            }
            for (Submitted request : requests) {
                assertThat(request.outcome().ended).isTrue();
                for (List<Integer> tokens : request.outcome().tokens) {
                    assertThat(tokens)
                            .as("seed %d round %d", seed, round)
                            .isEqualTo(request.expected().subList(0, tokens.size()));
                    if (!cancelled.contains(request)) {
                        assertThat(tokens).hasSize(Math.min(request.maxTokens(), request.outcome().stopAfter));
                    }
                }
            }
        }
    }
}
