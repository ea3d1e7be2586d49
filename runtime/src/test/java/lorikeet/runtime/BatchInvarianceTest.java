package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A request's tokens and log-probabilities have the same bits alone and in any company: beside prompts and decodes of
 * others, with other adapters in the batch, in steps of any size, behind prefixes that others have computed or generated,
 * after it was put back, recorded or not. On the CPU that is always so; on a GPU it is an option.
 *
 * <p>{@code -Dlorikeet.test.seed} gives other requests; {@code -Dlorikeet.test.invariant=false} leaves the option off, with
 * which this must fail on a GPU.
 */
class BatchInvarianceTest {
    private static final long SEED = Long.getLong("lorikeet.test.seed", 7);
    private static final boolean ON = !"false".equals(System.getProperty("lorikeet.test.invariant"));
    private static final int REQUESTS = 36;
    private static final int LONGEST_PROMPT = 120;
    private static final int LITTLE_MEMORY = 272;
    private static final int MOST_ROUNDS = 20;

    /** What must not depend on anything else. */
    private record Outcome(List<Choice> choices, List<SampledToken> promptScores) {
        static Outcome of(Answer answer) {
            return new Outcome(answer.choices(), answer.promptScores());
        }
    }

    private record Way(String name, String property, UnaryOperator<Options> options) {}

    private static final List<Way> WAYS = List.of(
            new Way("in long steps", "", options -> options),
            new Way("in short steps", "", options -> options.stepTokens(7).running(5)),
            new Way("in steps of 70", "", options -> options.stepTokens(70).running(24)),
            new Way("without a prefix cache", "", options -> options.prefixCache(false)),
            new Way("with little memory", "", options -> options.cacheTokens(LITTLE_MEMORY)),
            new Way("without recordings", "lorikeet.cuda.graphs", options -> options.stepTokens(40)),
            new Way("without looking ahead", "lorikeet.lookahead", options -> options.stepTokens(40)));

    @TestFactory
    Stream<DynamicNode> nothingDependsOnTheBatch() {
        return Stream.of("llama", "mistral-v4", "qwen3", "llama3-rope")
                .map(set -> DynamicTest.dynamicTest(set, () -> check(Golden.set(set))));
    }

    private static void check(Path set) {
        SplittableRandom random = new SplittableRandom(SEED);
        Options options = TestDevice.OPTIONS.batchInvariant(ON);
        List<Request> requests = new ArrayList<>();
        List<Outcome> alone = new ArrayList<>();
        try (Lorikeet model = Lorikeet.open(set.resolve("model"), options.prefixCache(false))) {
            List<String> adapters = load(model, set);
            requests.addAll(requests(random, model.config().vocabulary(), adapters));
            for (Request request : List.copyOf(requests)) {
                Answer answer = model.generate(request);
                alone.add(Outcome.of(answer));
                if (random.nextInt(3) == 0) {
                    requests.add(goingOn(random, request, answer));
                }
            }
            for (Request request : requests.subList(alone.size(), requests.size())) {
                alone.add(Outcome.of(model.generate(request)));
            }
        }
        for (Way way : WAYS) {
            switchedOff(way.property(), () -> compare(way, set, options, requests, alone));
        }
    }

    private static List<String> load(Lorikeet model, Path set) {
        return Golden.adapters(set).stream()
                .map(name ->
                        model.load(name, set.resolve("adapters").resolve(name)).name())
                .toList();
    }

    private static List<Request> requests(SplittableRandom random, int vocabulary, List<String> adapters) {
        List<List<Integer>> beginnings = IntStream.range(0, 4)
                .mapToObj(i -> tokens(random, vocabulary, LONGEST_PROMPT))
                .toList();
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            List<Integer> prompt = new ArrayList<>(beginnings
                    .get(random.nextInt(beginnings.size()))
                    .subList(0, random.nextBoolean() ? 0 : random.nextInt(LONGEST_PROMPT)));
            prompt.addAll(tokens(random, vocabulary, random.nextInt(1, 30)));
            int which = random.nextInt(adapters.size() + 1);
            requests.add(request(random, prompt, which == adapters.size() ? null : adapters.get(which)));
        }
        return requests;
    }

    private static Request request(SplittableRandom random, List<Integer> prompt, @Nullable String adapter) {
        Request request = Request.tokens(prompt)
                .maxTokens(random.nextInt(1, 50))
                .seed(random.nextLong())
                .ignoreEnd(true)
                .sampling(new SamplingSettings(random.nextInt(2), 40, 0.95f, 0.01f, 1.1f, 0.2f, 0.1f, 0, 3));
        request = adapter == null ? request : request.adapter(adapter);
        return random.nextInt(4) == 0 ? request.promptLogProbs(1, 2) : request;
    }

    /** A request whose prompt is another with its answer, and a token more. */
    private static Request goingOn(SplittableRandom random, Request request, Answer answer) {
        List<Integer> prompt = new ArrayList<>(answer.promptTokens());
        answer.choices().getFirst().tokens().forEach(token -> prompt.add(token.id()));
        prompt.add(prompt.getFirst());
        return request(random, prompt, request.adapterName());
    }

    private static List<Integer> tokens(SplittableRandom random, int vocabulary, int count) {
        return random.ints(count, 0, vocabulary).boxed().toList();
    }

    private static void switchedOff(String property, Runnable action) {
        if (property.isEmpty()) {
            action.run();
            return;
        }
        String before = System.setProperty(property, "false");
        try {
            action.run();
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    private static void compare(Way way, Path set, Options options, List<Request> requests, List<Outcome> alone) {
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, requests.size()).boxed().toList());
        Collections.shuffle(order, new Random(SEED));
        Options used = way.options().apply(options);
        try (Lorikeet model = Lorikeet.open(set.resolve("model"), used)) {
            load(model, set);
            boolean little = used.cacheTokens() == LITTLE_MEMORY;
            // Twice: the second time, prefixes are there, some of them generated. With little memory until some had
            // to give way: that depends on how many requests are there when the first ones start.
            for (int round = 0;
                    round < 2 || (little && round < MOST_ROUNDS && model.stats().preemptions() == 0);
                    round++) {
                List<Answer> together =
                        model.generate(order.stream().map(requests::get).toList());
                for (int i = 0; i < order.size(); i++) {
                    assertThat(Outcome.of(together.get(i)))
                            .as("%s, round %d: request %d of seed %d", way.name(), round, order.get(i), SEED)
                            .isEqualTo(alone.get(order.get(i)));
                }
            }
            Stats stats = model.stats();
            if (used.prefixCache()) {
                assertThat(stats.cachedPromptTokens()).isPositive();
            }
            if (little) {
                assertThat(stats.preemptions()).isPositive();
            }
        }
    }
}
