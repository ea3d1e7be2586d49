package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests for twenty adapters whose answers identify them, while others replace, unload and push them out all the time:
 * nobody is ever answered with another's adapter, or with the base model.
 *
 * <p>Runs for 20 seconds; {@code -Dlorikeet.test.seconds} says for how long else.
 */
class MixedTrafficTest {
    private static final Duration TIME = Duration.ofSeconds(Long.getLong("lorikeet.test.seconds", 20));
    private static final int OFFERED = 12;
    private static final int NAMED = 8;
    private static final int CLIENTS = 8;

    /** Of each client, however slow the machine is. */
    private static final int LEAST_REQUESTS = 50;

    private static final long POOL = 9 * (2L << 20);

    @TempDir
    private Path temp;

    private record Given(String name, long id, List<Integer> tokens) {}

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void nobodyIsAnsweredWithAnothersAdapter() throws Exception {
        AdapterVariants variants = new AdapterVariants(temp, OFFERED + NAMED);
        // The folder offers all of them by number; the names below are given to the last ones, now this, now that.
        Options options = TestDevice.OPTIONS
                .threads(1)
                .poolBytes(POOL)
                .running(16)
                .stepTokens(64)
                .loadedAdapters(14)
                .adapterFolder(temp);
        long seed = System.nanoTime();
        Map<Long, Integer> variantOf = new ConcurrentHashMap<>();
        ConcurrentLinkedQueue<Given> given = new ConcurrentLinkedQueue<>();
        Map<ErrorCode, Integer> refusals = new ConcurrentHashMap<>();
        try (Lorikeet model = Lorikeet.open(AdapterVariants.MODEL, options);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            long end = System.nanoTime() + TIME.toNanos();
            List<Future<?>> all = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                SplittableRandom random = new SplittableRandom(seed + client);
                all.add(threads.submit(() -> {
                    for (int i = 0; i < LEAST_REQUESTS || System.nanoTime() < end; i++) {
                        ask(model, random, given, refusals);
                    }
                    return 0;
                }));
            }
            for (int admin = 0; admin < 2; admin++) {
                SplittableRandom random = new SplittableRandom(seed - 1 - admin);
                all.add(threads.submit(() -> {
                    while (System.nanoTime() < end) {
                        change(model, variants, random, variantOf);
                        Thread.sleep(random.nextInt(20));
                    }
                    return 0;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
            assertThat(model.adapterStatistics().stream()
                            .mapToLong(AdapterStatistics::evictions)
                            .sum())
                    .isPositive();
        }
        int offered = 0;
        for (Given one : given) {
            boolean isNumber = Character.isDigit(one.name.charAt(0));
            Integer variant = isNumber ? Integer.valueOf(one.name) : variantOf.get(one.id);
            assertThat(variant).as("seed %d: %s", seed, one).isNotNull();
            assertThat(one.tokens)
                    .as("seed %d: %s", seed, one)
                    .isEqualTo(variants.answer(Objects.requireNonNull(variant)));
            offered += isNumber ? 1 : 0;
        }
        assertThat(offered).isBetween(1, given.size() - 1);
        assertThat(refusals.keySet())
                .isSubsetOf(ErrorCode.NOT_FOUND, ErrorCode.ABORTED, ErrorCode.NO_ROOM, ErrorCode.ALREADY_LOADED);
        System.out.println(given.size() + " answers in " + TIME.toSeconds() + " s, refused " + refusals);
    }

    private static void ask(
            Lorikeet model,
            SplittableRandom random,
            ConcurrentLinkedQueue<Given> given,
            Map<ErrorCode, Integer> refusals) {
        String name = random.nextBoolean() ? String.valueOf(random.nextInt(OFFERED)) : "name" + random.nextInt(NAMED);
        try {
            Answer answer = model.generate(AdapterVariants.request().adapter(name));
            given.add(new Given(name, answer.usage().adapterId(), AdapterVariants.tokens(answer)));
        } catch (LorikeetException e) {
            refusals.merge(e.code(), 1, Integer::sum);
        }
    }

    private static void change(
            Lorikeet model, AdapterVariants variants, SplittableRandom random, Map<Long, Integer> variantOf) {
        String name = "name" + random.nextInt(NAMED);
        int variant = OFFERED + random.nextInt(NAMED);
        try {
            if (random.nextInt(4) > 0) {
                variantOf.put(model.replace(name, variants.folder(variant)).id(), variant);
            } else if (random.nextBoolean()) {
                model.unload(name, new Unload.Now());
            } else {
                model.unload(name, new Unload.Drain(false, Optional.of(Duration.ofMillis(random.nextInt(1, 50)))));
            }
        } catch (LorikeetException e) {
            assertThat(e.code())
                    .as(e.getMessage())
                    .isIn(ErrorCode.NOT_FOUND, ErrorCode.NO_ROOM, ErrorCode.ALREADY_LOADED);
        }
    }
}
