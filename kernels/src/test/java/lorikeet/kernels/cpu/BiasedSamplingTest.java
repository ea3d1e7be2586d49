package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.junit.jupiter.api.Test;

/** A bias does the same as other logits would. */
final class BiasedSamplingTest {
    private static final int VOCABULARY = 300;
    private static final int ROUNDS = 6;

    private static Matrix matrix(Arena arena, float[] logits) {
        MemorySegment data = arena.allocate(4L * logits.length, 64);
        MemorySegment.copy(logits, 0, data, JAVA_FLOAT, 0, logits.length);
        return new Matrix(data, ElementType.F32, 1, logits.length);
    }

    private static SamplingSettings settings(SplittableRandom random) {
        boolean penalties = random.nextBoolean();
        return new SamplingSettings(
                random.nextBoolean() ? 0 : 1.5f,
                random.nextBoolean() ? 0 : 20,
                random.nextBoolean() ? 1 : 0.9f,
                0,
                penalties ? 1.3f : 1,
                penalties ? 0.5f : 0,
                0,
                random.nextLong(),
                random.nextInt(-1, 4));
    }

    @Test
    void choosesAsFromLogitsThatHaveItAlready() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        try (CpuOperations operations = new CpuOperations(1);
                Arena arena = Arena.ofConfined()) {
            Sampler sampler = operations.sampler();
            for (int i = 0; i < 300; i++) {
                float[] logits = new float[VOCABULARY];
                for (int token = 0; token < VOCABULARY; token++) {
                    logits[token] = (float) random.nextDouble(-4, 4);
                }
                Map<Integer, Float> values = new HashMap<>();
                Set<Integer> barred = new HashSet<>();
                for (int n = random.nextInt(100); n > 0; n--) {
                    values.put(random.nextInt(VOCABULARY), (float) random.nextDouble(-100, 10));
                    barred.add(random.nextInt(VOCABULARY));
                }
                int outputs = random.nextInt(ROUNDS);
                SamplingSettings settings = settings(random);
                LogitBias bias = LogitBias.of(values).barring(barred, outputs);
                SamplingState biased = sampler.newState(settings.withBias(bias));
                SamplingState plain = sampler.newState(settings);
                Matrix given = matrix(arena, logits);
                for (int round = 0; round < ROUNDS; round++) {
                    float[] changed = logits.clone();
                    values.forEach((token, value) -> changed[token] += value);
                    if (round < outputs) {
                        barred.forEach(token -> changed[token] = Float.NEGATIVE_INFINITY);
                    }
                    SampledToken chosen = sampler.sample(given, List.of(biased)).getFirst();
                    assertThat(chosen)
                            .as("seed %d, case %d, round %d", seed, i, round)
                            .isEqualTo(sampler.sample(matrix(arena, changed), List.of(plain))
                                    .getFirst());
                    assertThat(round < outputs && barred.contains(chosen.id())).isFalse();
                }
                assertThat(given.data().toArray(JAVA_FLOAT)).isEqualTo(logits);
            }
        }
    }

    @Test
    void tokensBeyondTheVocabularyDoNotMatter() {
        try (CpuOperations operations = new CpuOperations(1);
                Arena arena = Arena.ofConfined()) {
            SamplingSettings settings = SamplingSettings.GREEDY.withBias(
                    LogitBias.of(Map.of(2, 100f)).barring(Set.of(1, 7), 1));
            SamplingState state = operations.sampler().newState(settings);
            Matrix logits = matrix(arena, new float[] {0, 1});
            assertThat(operations
                            .sampler()
                            .sample(logits, List.of(state))
                            .getFirst()
                            .id())
                    .isZero();
            assertThat(operations
                            .sampler()
                            .sample(logits, List.of(state))
                            .getFirst()
                            .id())
                    .isOne();
        }
    }
}
