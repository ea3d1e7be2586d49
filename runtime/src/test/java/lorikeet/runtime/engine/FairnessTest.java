package lorikeet.runtime.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lorikeet.runtime.engine.HandSteppedEngine.Sizes;
import lorikeet.runtime.engine.HandSteppedEngine.Submitted;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** No request waits for ever, whatever the others are for. */
@ParameterizedClass(name = "looks ahead: {0}")
@ValueSource(booleans = {false, true})
final class FairnessTest {
    private final Sizes sizes;

    FairnessTest(boolean looksAhead) {
        sizes = new Sizes(looksAhead);
    }

    @Test
    void aStreamForOneAdapterDoesNotStarveAnother() {
        sizes.residentAdapters = 1;
        sizes.running = 4;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            for (int i = 0; i < 3; i++) {
                engine.submit(1, HandSteppedEngine.prompt(i, 5), 12);
            }
            engine.engine.doWork();
            Submitted other = engine.submit(2, HandSteppedEngine.prompt(9, 5), 4);
            // A,B,A,A,A,...: there is always another one for the first adapter.
            List<Submitted> stream = new ArrayList<>();
            for (int step = 0; step < 2000 && !other.outcome().isDone(); step++) {
                if (engine.engine.stats().waiting() < 4) {
                    stream.add(engine.submit(1, HandSteppedEngine.prompt(step, 5), 12));
                }
                engine.engine.doWork();
            }
            assertThat(other.outcome().ended).isTrue();
            long before =
                    stream.stream().filter(request -> request.outcome().ended).count();
            assertThat(before).isLessThanOrEqualTo(Admission.MOST_OVERTAKING + sizes.running);
            engine.run();
            assertThat(stream).allMatch(request -> request.outcome().ended);
        }
    }

    @Test
    void allAdaptersMakeProgressWhenMoreAreWantedThanFit() {
        sizes.residentAdapters = 2;
        sizes.running = 4;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            List<Submitted> requests = new ArrayList<>();
            for (int i = 0; i < 80; i++) {
                requests.add(engine.submit(1 + i % 10, HandSteppedEngine.prompt(i, 10), 6));
            }
            engine.run();
            assertThat(requests).allMatch(request -> request.outcome().tokens.equals(List.of(request.expected())));
            assertThat(engine.residency.evictions).isPositive();
        }
    }

    @Test
    void theBaseModelGoesOnWhateverAdaptersWaitFor() {
        sizes.residentAdapters = 1;
        sizes.running = 4;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            Submitted holder = engine.submit(1, HandSteppedEngine.prompt(1, 5), 500);
            engine.engine.doWork();
            engine.engine.doWork();
            List<Submitted> blocked = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                blocked.add(engine.submit(2 + i % 3, HandSteppedEngine.prompt(i, 5), 4));
            }
            for (int i = 0; i < 40; i++) {
                Submitted base = engine.submit(0, HandSteppedEngine.prompt(i, 5), 3);
                engine.steps(3);
                assertThat(base.outcome().ended).isTrue();
            }
            assertThat(holder.outcome().isDone()).isFalse();
            assertThat(blocked).noneMatch(request -> request.outcome().isDone());
            engine.run();
            assertThat(blocked).allMatch(request -> request.outcome().ended);
        }
    }

    @Test
    void aRequestWhoseAdapterIsComingHoldsNobodyUp() {
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            Submitted coming = engine.submit(1, HandSteppedEngine.prompt(1, 5), 4);
            Submitted base = engine.submit(0, HandSteppedEngine.prompt(2, 5), 4);
            engine.steps(1);
            assertThat(base.outcome().tokens).hasSize(1);
            assertThat(coming.outcome().tokens).isEmpty();
            engine.run();
            assertThat(coming.outcome().ended).isTrue();
        }
    }

    @Test
    void adaptersTakeTurnsWhenAStepMayNotHaveThemAll() {
        sizes.batchAdapters = 2;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            List<Submitted> requests = new ArrayList<>();
            for (int adapter = 0; adapter < 6; adapter++) {
                requests.add(engine.submit(adapter, HandSteppedEngine.prompt(adapter, 5), 40));
            }
            engine.engine.doWork();
            for (int step = 0; step < 45; step++) {
                engine.engine.doWork();
            }
            // Five adapters, two at a time: each has been in at least every third step; the base model in all.
            assertThat(requests.getFirst().outcome().ended).isTrue();
            assertThat(requests.subList(1, 6))
                    .allSatisfy(request ->
                            assertThat(request.outcome().tokens.getFirst()).hasSizeGreaterThanOrEqualTo(14));
            assertThat(engine.device.steps())
                    .allMatch(step ->
                            step.adapters().stream().filter(id -> id != 0).count() <= 2);
            engine.run();
            assertThat(requests).allMatch(request -> request.outcome().ended);
        }
    }

    @Test
    void oneAdaptersLongPromptsLeaveAPartOfEachStepToOthers() {
        sizes.stepTokens = 32;
        sizes.slabs = 200;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            List<Submitted> greedy = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                greedy.add(engine.submit(1, HandSteppedEngine.prompt(i, 600), 2));
            }
            engine.engine.doWork();
            engine.engine.doWork();
            Submitted small = engine.submit(2, HandSteppedEngine.prompt(9, 40), 1);
            for (int step = 0; step < 5; step++) {
                engine.engine.doWork();
            }
            assertThat(small.outcome().ended).isTrue();
            assertThat(greedy).noneMatch(request -> request.outcome().isDone());
            engine.run();
            assertThat(engine.device.steps()).anyMatch(step -> step.adapters().equals(Set.of(1L, 2L)));
        }
    }

    @Test
    void anAdapterFindsRoomThoughTheBaseModelWouldTakeAllBlocks() {
        sizes.slabs = 10;
        sizes.running = 12;
        sizes.prefixCache = false;
        try (HandSteppedEngine engine = new HandSteppedEngine(sizes)) {
            List<Submitted> stream = new ArrayList<>();
            List<Submitted> others = new ArrayList<>();
            for (int step = 0; step < 3000; step++) {
                if (engine.engine.stats().waiting() < 4) {
                    stream.add(engine.submit(0, HandSteppedEngine.prompt(step, 40), 30));
                }
                if (step == 100) {
                    others.add(engine.submit(1, HandSteppedEngine.prompt(1, 5), 4));
                }
                engine.engine.doWork();
            }
            assertThat(others).hasSize(1).allMatch(request -> request.outcome().ended);
            engine.run();
            assertThat(stream).allMatch(request -> request.outcome().ended);
        }
    }
}
