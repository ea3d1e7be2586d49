package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The library as a user sees it, on a tiny model with random weights. */
class GenerationTest {
    private static final Path SET = Golden.set("llama");
    private static Lorikeet model;
    private static List<Adapter> adapters;

    @BeforeAll
    static void open() {
        model = Lorikeet.open(SET.resolve("model"), TestDevice.OPTIONS);
        adapters = Stream.of("all-r8", "qv-r4-f32", "rs-r16")
                .map(name -> model.load(name, SET.resolve("adapters").resolve(name)))
                .toList();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static List<Integer> ids(Choice choice) {
        return choice.tokens().stream().map(SampledToken::id).toList();
    }

    private static List<Integer> prompt(SplittableRandom random, int length) {
        return IntStream.range(0, length)
                .map(i -> random.nextInt(model.config().vocabulary()))
                .boxed()
                .toList();
    }

    private static Request random(SplittableRandom random) {
        int which = random.nextInt(adapters.size() + 1);
        Request request = Request.tokens(prompt(random, random.nextInt(1, 90)))
                .adapter(which == adapters.size() ? null : adapters.get(which))
                .maxTokens(random.nextInt(1, 20))
                .seed(random.nextLong())
                .ignoreEnd(true);
        return random.nextBoolean()
                ? request
                : request.sampling(new SamplingSettings(0.9f, 40, 0.95f, 0.01f, 1.1f, 0.2f, 0.1f, 0, 3));
    }

    @Test
    void anAnswerDoesNotDependOnItsCompany() {
        long seed = 42;
        SplittableRandom random = new SplittableRandom(seed);
        List<Request> requests =
                IntStream.range(0, 33).mapToObj(i -> random(random)).toList();
        List<Answer> together = model.generate(requests);
        try (Lorikeet small = Lorikeet.open(
                SET.resolve("model"),
                TestDevice.OPTIONS.stepTokens(7).running(3).threads(1))) {
            List<Adapter> own = adapters.stream()
                    .map(adapter -> small.load(adapter.name(), adapter.path()))
                    .toList();
            for (int i = 0; i < requests.size(); i++) {
                List<Choice> alone = model.generate(requests.get(i)).choices();
                Object expected = TestDevice.repeatable(together.get(i).choices());
                assertThat(TestDevice.repeatable(alone))
                        .as("request %d of seed %d", i, seed)
                        .isEqualTo(expected);
                Adapter adapter = requests.get(i).adapter();
                Request elsewhere =
                        adapter == null ? requests.get(i) : requests.get(i).adapter(own.get(adapters.indexOf(adapter)));
                assertThat(TestDevice.repeatable(small.generate(elsewhere).choices()))
                        .as("request %d of seed %d, in short steps on one thread", i, seed)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void streamsExactlyTheAnswer() {
        SplittableRandom random = new SplittableRandom(7);
        List<Request> requests = IntStream.range(0, 8)
                .mapToObj(i -> random(random).choices(1 + i % 3))
                .toList();
        List<TokenEvent> events = new ArrayList<>();
        List<Answer> answers = model.generate(requests, event -> events.add(event));
        for (int i = 0; i < answers.size(); i++) {
            for (int c = 0; c < answers.get(i).choices().size(); c++) {
                int request = i;
                int number = c;
                Choice choice = answers.get(i).choices().get(c);
                List<TokenEvent> own = events.stream()
                        .filter(event -> event.request() == request && event.choice() == number)
                        .toList();
                assertThat(own.stream().map(TokenEvent::token)).isEqualTo(choice.tokens());
                assertThat(own.stream().map(TokenEvent::text).collect(Collectors.joining()))
                        .isEqualTo(choice.text());
                assertThat(own.getLast().finish()).isEqualTo(choice.finish());
                assertThat(own.subList(0, own.size() - 1)).allMatch(event -> event.finish() == null);
            }
        }
    }

    @Test
    void choicesDifferUnlessGreedyAndASeedRepeatsThem() {
        Request request = Request.tokens(List.of(76, 12, 300))
                .ignoreEnd(true)
                .maxTokens(12)
                .choices(4)
                .sampling(SamplingSettings.GREEDY.withTemperature(1));
        List<Choice> first = model.generate(request.seed(5)).choices();
        assertThat(first.stream().map(GenerationTest::ids).distinct()).hasSize(4);
        assertThat(model.generate(request.seed(5)).choices()).isEqualTo(first);
        assertThat(model.generate(request.seed(6)).choices()).isNotEqualTo(first);
        assertThat(model.generate(request).choices())
                .isNotEqualTo(model.generate(request).choices());
        Answer greedy = model.generate(request.sampling(SamplingSettings.GREEDY));
        assertThat(greedy.choices().stream().map(GenerationTest::ids).distinct())
                .hasSize(1);
    }

    @Test
    void endsAtStopTokensAndEndTokens() {
        Request request = Request.tokens(List.of(76)).maxTokens(24);
        List<Integer> all =
                ids(model.generate(request.ignoreEnd(true)).choices().getFirst());
        int end = all.get(6);
        int firstAt = all.indexOf(end);
        Choice choice =
                model.generate(request.stopTokens(Set.of(end))).choices().getFirst();
        assertThat(ids(choice)).isEqualTo(all.subList(0, firstAt + 1));
        assertThat(choice.finish()).isEqualTo(FinishReason.STOP);
        assertThat(choice.text())
                .isEqualTo(model.tokenizer()
                        .decode(
                                all.subList(0, firstAt).stream()
                                        .mapToInt(Integer::intValue)
                                        .toArray(),
                                true));
    }

    @Test
    void endsBeforeAStopString() {
        Request request = Request.tokens(List.of(76, 5)).maxTokens(24).ignoreEnd(true);
        Choice whole = model.generate(request).choices().getFirst();
        assertThat(whole.finish()).isEqualTo(FinishReason.LENGTH);
        String text = whole.text();
        String stop = text.substring(text.length() / 2, text.length() / 2 + 3);
        int at = text.indexOf(stop);
        StringBuilder streamed = new StringBuilder();
        Choice cut = model.generate(List.of(request.stop("no such text", stop)), event -> {
                    streamed.append(event.text());
                    return true;
                })
                .getFirst()
                .choices()
                .getFirst();
        assertThat(cut.text()).isEqualTo(text.substring(0, at)).isEqualTo(streamed.toString());
        assertThat(cut.stop()).isEqualTo(stop);
        assertThat(cut.finish()).isEqualTo(FinishReason.STOP);
        Choice kept =
                model.generate(request.stop(stop).keepStop(true)).choices().getFirst();
        assertThat(kept.text()).isEqualTo(text.substring(0, at + stop.length()));
    }

    @Test
    void reportsLogProbabilities() {
        Request request = Request.tokens(List.of(76, 5, 9))
                .maxTokens(3)
                .ignoreEnd(true)
                .sampling(SamplingSettings.GREEDY.withLogProbs(5));
        Choice choice = model.generate(request).choices().getFirst();
        float[] logits = model.logits(List.of(request)).getFirst();
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        SampledToken token = choice.tokens().getFirst();
        assertThat((double) token.logProb()).isCloseTo(logits[token.id()] - Math.log(sum), within(1e-4));
        assertThat(token.alternatives()).hasSize(5);
        assertThat(token.alternatives().getFirst().id()).isEqualTo(token.id());
        assertThat(token.alternatives()).isSortedAccordingTo((a, b) -> Float.compare(b.logProb(), a.logProb()));
    }

    @Test
    void aListenerCancelsOneChoice() {
        Request request = Request.tokens(List.of(76)).maxTokens(20).ignoreEnd(true);
        int[] seen = {0};
        List<Answer> answers =
                model.generate(List.of(request, request), event -> event.request() == 1 || ++seen[0] < 3);
        assertThat(answers.get(0).choices().getFirst().finish()).isEqualTo(FinishReason.CANCELLED);
        assertThat(answers.get(0).choices().getFirst().tokens()).hasSize(3);
        assertThat(answers.get(1).choices().getFirst().tokens()).hasSize(20);
    }

    @Test
    void aCancelledChoiceKeepsTheTextThatWasHeldBack() {
        Request request = Request.tokens(List.of(76, 5)).maxTokens(24).ignoreEnd(true);
        String whole = model.generate(request).text();
        // A stop string that is there but for its last character holds text back until the next token.
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 4) + "\u0001";
        for (int last = 1; last < 24; last++) {
            int count = last;
            int[] seen = {0};
            Choice choice = model.generate(List.of(request.stop(stop)), event -> ++seen[0] < count)
                    .getFirst()
                    .choices()
                    .getFirst();
            int[] ids = ids(choice).stream().mapToInt(Integer::intValue).toArray();
            assertThat(choice.finish()).isEqualTo(FinishReason.CANCELLED);
            assertThat(ids).hasSize(count);
            assertThat(choice.text()).isEqualTo(model.tokenizer().decode(ids, true));
        }
    }

    @Test
    void aFailingListenerLeavesTheModelUsable() {
        Request request = Request.tokens(List.of(76)).maxTokens(5).ignoreEnd(true);
        assertThatThrownBy(() -> model.generate(List.of(request, request), event -> {
                    throw new IllegalStateException("mine");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("mine");
        assertThat(model.generate(request).choices().getFirst().tokens()).hasSize(5);
    }

    @Test
    void moreRequestsThanMemoryWait() {
        // Four blocks of 16 tokens: two requests of up to 32 tokens at a time.
        try (Lorikeet small = Lorikeet.open(SET.resolve("model"), TestDevice.OPTIONS.cacheTokens(64))) {
            Request request = Request.tokens(List.of(76, 3)).maxTokens(30).ignoreEnd(true);
            Object expected = TestDevice.repeatable(model.generate(request).choices());
            List<Answer> answers =
                    small.generate(IntStream.range(0, 7).mapToObj(i -> request).toList());
            assertThat(answers)
                    .hasSize(7)
                    .allMatch(answer -> TestDevice.repeatable(answer.choices()).equals(expected));
            assertThatThrownBy(() -> small.generate(request.maxTokens(80)))
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NO_ROOM))
                    .hasMessageContaining("KV blocks");
            assertThat(TestDevice.repeatable(small.generate(request).choices())).isEqualTo(expected);
        }
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertCode(ErrorCode.INVALID_REQUEST, () -> model.generate(Request.tokens(List.of())), "empty");
        assertCode(ErrorCode.INVALID_REQUEST, () -> model.generate(Request.tokens(List.of(-1))), "-1");
        assertCode(
                ErrorCode.INVALID_REQUEST,
                () -> model.generate(Request.tokens(List.of(model.config().vocabulary()))),
                "tokens");
        assertCode(ErrorCode.INVALID_REQUEST, () -> Request.text("x").maxTokens(0), "maxTokens");
        assertCode(ErrorCode.INVALID_REQUEST, () -> Request.text("x").choices(0), "choices");
        assertCode(ErrorCode.INVALID_REQUEST, () -> Request.text("x").stop(""), "stop");
    }

    @Test
    void anUnloadedAdapterIsGone() {
        Path path = SET.resolve("adapters/all-r8");
        Adapter adapter = model.load("short-lived", path);
        assertCode(ErrorCode.ALREADY_LOADED, () -> model.load("short-lived", path), "already loaded");
        assertThat(model.adapter("short-lived")).contains(adapter);
        adapter.close();
        adapter.close();
        assertThat(model.adapter("short-lived")).isEmpty();
        assertCode(
                ErrorCode.NOT_FOUND, () -> model.generate(Request.text("x").adapter(adapter)), "not loaded any more");
        Adapter again = model.load("short-lived", path);
        assertThat(again.id()).isGreaterThan(adapter.id());
        assertThat(model.generate(Request.tokens(List.of(76)).adapter(again)).choices())
                .isEqualTo(model.generate(Request.tokens(List.of(76)).adapter(adapters.getFirst()))
                        .choices());
        again.close();
        try (Lorikeet other = Lorikeet.open(SET.resolve("model"), TestDevice.OPTIONS)) {
            assertCode(
                    ErrorCode.INVALID_REQUEST,
                    () -> other.generate(Request.text("x").adapter(adapters.getFirst())),
                    "another model");
        }
    }

    @Test
    void aClosedModelRefuses() {
        Lorikeet other = Lorikeet.open(SET.resolve("model"), TestDevice.OPTIONS);
        other.close();
        other.close();
        assertCode(ErrorCode.ABORTED, () -> other.generate(Request.text("x")), "closed");
        assertCode(ErrorCode.ABORTED, () -> other.load("a", SET.resolve("adapters/all-r8")), "closed");
    }

    private static void assertCode(ErrorCode code, ThrowingCallable call, String part) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(part);
    }
}
