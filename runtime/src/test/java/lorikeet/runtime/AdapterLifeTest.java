package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients load, replace, use and unload adapters in any order, beside each other, while there is room on the device for a
 * few of them. Each client has names of its own and knows what must come of every call.
 *
 * <p>Runs for a minute; {@code -Dlorikeet.test.seconds} says for how long else.
 */
class AdapterLifeTest {
    private static final Duration TIME = Duration.ofSeconds(Long.getLong("lorikeet.test.seconds", 60));
    private static final int CLIENTS = 6;
    private static final int NAMES = 3;
    private static final int VARIANTS = 8;

    /** Of each client, however slow the machine is. */
    private static final int LEAST_CALLS = 150;

    /** Slabs of 2 MiB; each adapter takes one, and so do a few texts. */
    private static final long POOL = 10 * (2L << 20);

    @TempDir
    private Path temp;

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void everyCallDoesWhatItMust() throws Exception {
        AdapterVariants variants = new AdapterVariants(temp, VARIANTS);
        Options options =
                TestDevice.OPTIONS.threads(1).poolBytes(POOL).running(12).stepTokens(64);
        long seed = System.nanoTime();
        try (Lorikeet model = Lorikeet.open(AdapterVariants.MODEL, options)) {
            long end = System.nanoTime() + TIME.toNanos();
            long calls = 0;
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<Long>> clients = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                    Client client = new Client(model, variants, i, new SplittableRandom(seed + i));
                    clients.add(threads.submit(() -> client.run(end)));
                }
                for (Future<Long> client : clients) {
                    calls += client.get();
                }
            } catch (Exception | Error e) {
                throw new AssertionError("seed " + seed, e);
            }
            assertThat(model.adapters()).isEmpty();
            assertThat(model.drainingAdapters()).isEmpty();
            assertThat(model.stats().running()).isZero();
            assertThat(model.stats().waiting()).isZero();
            assertThat(model.adapterStatistics()).isNotEmpty().noneMatch(AdapterStatistics::resident);
            assertThat(model.adapterStatistics().stream()
                            .mapToLong(AdapterStatistics::evictions)
                            .sum())
                    .as("there was never room for all")
                    .isPositive();
            System.out.println(calls + " calls in " + TIME.toSeconds() + " s, seed " + seed);
        }
    }

    /** One client and its model of what must be true: the variant that each of its names has, if it has one. */
    private static final class Client {
        private final Lorikeet model;
        private final AdapterVariants variants;
        private final List<String> names = new ArrayList<>();
        private final Map<String, Integer> expected = new HashMap<>();
        private final Map<String, Long> ids = new HashMap<>();
        private final SplittableRandom random;
        private long calls;

        Client(Lorikeet model, AdapterVariants variants, int number, SplittableRandom random) {
            this.model = model;
            this.variants = variants;
            this.random = random;
            for (int i = 0; i < NAMES; i++) {
                names.add("client " + number + " name " + i);
            }
        }

        long run(long end) throws Exception {
            while (System.nanoTime() < end || calls < LEAST_CALLS) {
                String name = names.get(random.nextInt(NAMES));
                switch (random.nextInt(14)) {
                    case 0, 1 -> load(name);
                    case 2 -> replace(name);
                    case 3 -> unload(name, Unload.AND_WAIT);
                    case 4 -> unload(name, new Unload.Now());
                    case 5 -> replaceUnderway(name);
                    case 6 -> unloadUnderway(name);
                    case 7 -> cancel(name);
                    case 8 -> loadsThatFail(name);
                    case 9 -> many(name);
                    case 10 -> pin(name);
                    case 11 -> base();
                    default -> use(name);
                }
                calls++;
                check();
            }
            for (String name : names) {
                unload(name, Unload.AND_WAIT);
            }
            return calls;
        }

        private static Optional<ErrorCode> outcome(Callable<?> call) throws Exception {
            try {
                call.call();
                return Optional.empty();
            } catch (LorikeetException e) {
                return Optional.of(e.code());
            }
        }

        /** Of its own names, exactly those that should be there are there. */
        private void check() {
            for (String name : names) {
                Optional<Adapter> adapter = model.adapter(name);
                assertThat(adapter.isPresent()).as(name).isEqualTo(expected.containsKey(name));
                adapter.ifPresent(found -> {
                    assertThat(found.id()).isEqualTo(ids.get(name));
                    assertThat(found.path()).isEqualTo(variants.folder(Objects.requireNonNull(expected.get(name))));
                    assertThat(found.state()).isIn(AdapterState.READY, AdapterState.RESIDENT);
                });
            }
        }

        private void put(String name, int variant, Adapter loaded) {
            assertThat(ids).doesNotContainValue(loaded.id());
            ids.put(name, loaded.id());
            expected.put(name, variant);
        }

        private void load(String name) throws Exception {
            int variant = random.nextInt(VARIANTS);
            boolean taken = expected.containsKey(name);
            Optional<ErrorCode> outcome = outcome(() -> {
                put(name, variant, model.load(name, variants.folder(variant)));
                return 0;
            });
            assertThat(outcome).isEqualTo(taken ? Optional.of(ErrorCode.ALREADY_LOADED) : Optional.empty());
        }

        private void replace(String name) {
            int variant = random.nextInt(VARIANTS);
            put(name, variant, model.replace(name, variants.folder(variant)));
        }

        private void unload(String name, Unload how) throws Exception {
            boolean there = expected.remove(name) != null;
            Optional<Adapter> adapter = model.adapter(name);
            assertThat(outcome(() -> {
                        model.unload(name, how);
                        return 0;
                    }))
                    .isEqualTo(there ? Optional.empty() : Optional.of(ErrorCode.NOT_FOUND));
            if (there && how instanceof Unload.Drain drain && drain.await()) {
                assertThat(adapter.orElseThrow().state()).isEqualTo(AdapterState.CLOSED);
            }
        }

        private List<Integer> answerOf(@Nullable Integer variant) {
            return variant == null ? variants.baseAnswer() : variants.answer(variant);
        }

        private void use(String name) {
            Integer variant = expected.get(name);
            try {
                Answer answer = model.generate(AdapterVariants.request().adapter(name));
                assertThat(AdapterVariants.tokens(answer)).isEqualTo(answerOf(variant));
                assertThat(answer.usage().adapterId()).isEqualTo(ids.get(name));
                assertThat(variant).isNotNull();
            } catch (LorikeetException e) {
                assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.NOT_FOUND);
                assertThat(variant).isNull();
            }
        }

        private void base() {
            assertThat(AdapterVariants.tokens(model.generate(AdapterVariants.request())))
                    .isEqualTo(variants.baseAnswer());
        }

        private void many(String name) {
            Integer variant = expected.get(name);
            Request request = AdapterVariants.request().adapter(name);
            try {
                List<Answer> answers = model.generate(
                        List.of(AdapterVariants.request(), request.choices(3), AdapterVariants.request()));
                answers.get(1)
                        .choices()
                        .forEach(choice ->
                                assertThat(AdapterVariants.tokens(choice)).isEqualTo(answerOf(variant)));
                assertThat(AdapterVariants.tokens(answers.getLast())).isEqualTo(variants.baseAnswer());
            } catch (LorikeetException e) {
                assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.NOT_FOUND);
                assertThat(variant).as("the batch was refused half-way").isNull();
            }
        }

        private void replaceUnderway(String name) throws InterruptedException {
            Integer before = expected.get(name);
            if (before == null) {
                return;
            }
            Generation old = model.submit(AdapterVariants.request().adapter(name), TokenListener.NONE);
            replace(name);
            Generation now = model.submit(AdapterVariants.request().adapter(name), TokenListener.NONE);
            assertThat(AdapterVariants.tokens(now.await())).isEqualTo(answerOf(expected.get(name)));
            assertThat(AdapterVariants.tokens(old.await())).isEqualTo(answerOf(before));
        }

        private void unloadUnderway(String name) throws Exception {
            Integer variant = expected.get(name);
            if (variant == null) {
                return;
            }
            Generation running = model.submit(AdapterVariants.request().adapter(name), TokenListener.NONE);
            boolean now = random.nextBoolean();
            unload(name, now ? new Unload.Now() : new Unload.Drain(random.nextBoolean(), Optional.empty()));
            try {
                assertThat(AdapterVariants.tokens(running.await())).isEqualTo(answerOf(variant));
            } catch (LorikeetException e) {
                assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.ABORTED);
                assertThat(now).isTrue();
            }
        }

        private void cancel(String name) throws InterruptedException {
            Integer variant = expected.get(name);
            if (variant == null) {
                return;
            }
            int after = random.nextInt(5);
            int[] seen = {0};
            boolean byListener = random.nextBoolean();
            Generation generation =
                    model.submit(AdapterVariants.request().adapter(name), event -> !byListener || ++seen[0] <= after);
            if (!byListener) {
                generation.cancel();
            }
            List<Integer> tokens = AdapterVariants.tokens(generation.await());
            assertThat(answerOf(variant).subList(0, tokens.size())).isEqualTo(tokens);
        }

        private void loadsThatFail(String name) throws Exception {
            Path missing = variants.folder(0).resolveSibling("missing");
            boolean taken = expected.containsKey(name);
            assertThat(outcome(() -> model.replace(name, missing))).contains(ErrorCode.NOT_FOUND);
            assertThat(outcome(() -> model.load(name, missing)))
                    .contains(taken ? ErrorCode.ALREADY_LOADED : ErrorCode.NOT_FOUND);
            assertThat(outcome(() -> model.load("", variants.folder(0)))).contains(ErrorCode.INVALID_REQUEST);
            assertThat(outcome(() -> model.replace(name, AdapterVariants.MODEL)))
                    .isPresent();
        }

        private void pin(String name) throws Exception {
            boolean there = expected.containsKey(name);
            Optional<ErrorCode> outcome = outcome(() -> {
                model.pin(name, true);
                model.pin(name, false);
                return 0;
            });
            assertThat(outcome).isEqualTo(there ? Optional.empty() : Optional.of(ErrorCode.NOT_FOUND));
        }
    }
}
