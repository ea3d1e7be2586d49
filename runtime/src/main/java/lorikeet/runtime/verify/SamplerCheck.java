package lorikeet.runtime.verify;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * Lets a device's sampler and the CPU's choose from the same logits, with settings of all kinds, several times in a row.
 * Random draws may fall on either side of a border between two tokens, so a few of them may differ.
 */
final class SamplerCheck {
    private static final int ROUNDS = 6;
    private static final double MOST_DIFFERENT_DRAWS = 0.02;
    private static final float LOG_PROB_ERROR = 1e-3f;

    private final Sampler device;
    private final Sampler reference;
    private final RandomGenerator random;
    private int draws;
    private int differentDraws;

    SamplerCheck(Sampler device, Sampler reference, RandomGenerator random) {
        this.device = device;
        this.reference = reference;
        this.random = random;
    }

    /**
     * Compares the two.
     *
     * @param logits on the device
     * @param rows the same, on the host
     * @return one line for each difference
     */
    List<String> run(Matrix logits, List<float[]> rows) {
        List<String> differences = new ArrayList<>();
        int vocabulary = logits.cols();
        List<SamplingState> first = new ArrayList<>();
        List<SamplingState> second = new ArrayList<>();
        for (int row = 0; row < rows.size(); row++) {
            SamplingSettings settings = settings().withBias(bias(vocabulary));
            first.add(device.newState(settings));
            second.add(reference.newState(settings));
            for (int i = random.nextInt(20); i > 0; i--) {
                int token = random.nextInt(vocabulary);
                first.get(row).seePrompt(token);
                second.get(row).seePrompt(token);
            }
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = arena.allocate((long) rows.size() * vocabulary * Float.BYTES, 64);
            Matrix copy = new Matrix(data, ElementType.F32, rows.size(), vocabulary);
            for (int row = 0; row < rows.size(); row++) {
                MemorySegment.copy(rows.get(row), 0, data, JAVA_FLOAT, row * copy.rowBytes(), vocabulary);
            }
            for (int round = 0; round < ROUNDS; round++) {
                List<SampledToken> found = device.sample(logits, first);
                List<SampledToken> expected = reference.sample(copy, second);
                for (int row = 0; row < rows.size(); row++) {
                    compare(found.get(row), expected.get(row), first.get(row).settings(), differences);
                }
            }
        }
        if (differentDraws > Math.max(1, MOST_DIFFERENT_DRAWS * draws)) {
            differences.add("sampler: " + differentDraws + " of " + draws + " draws differ");
        }
        return differences;
    }

    private void compare(
            SampledToken found, SampledToken expected, SamplingSettings settings, List<String> differences) {
        boolean drawn = settings.temperature() > 0;
        draws += drawn ? 1 : 0;
        if (found.id() != expected.id()) {
            differentDraws += drawn ? 1 : 0;
            if (!drawn) {
                differences.add("sampler: token " + found.id() + " instead of " + expected.id() + " with " + settings);
            }
            return;
        }
        boolean same = Float.isNaN(expected.logProb())
                ? Float.isNaN(found.logProb())
                : Math.abs(found.logProb() - expected.logProb()) < LOG_PROB_ERROR;
        boolean sameAlternatives = found.alternatives().stream()
                .map(SampledToken.TokenLogProb::id)
                .toList()
                .equals(expected.alternatives().stream()
                        .map(SampledToken.TokenLogProb::id)
                        .toList());
        if (!same || !sameAlternatives) {
            differences.add("sampler: " + found + " instead of " + expected + " with " + settings);
        }
    }

    private LogitBias bias(int vocabulary) {
        Map<Integer, Float> values = new HashMap<>();
        Set<Integer> barred = new HashSet<>();
        if (random.nextInt(3) == 0) {
            for (int i = random.nextInt(20); i > 0; i--) {
                values.put(random.nextInt(vocabulary), (float) random.nextDouble(-20, 5));
                barred.add(random.nextInt(vocabulary));
            }
        }
        return LogitBias.of(values).barring(barred, random.nextInt(ROUNDS));
    }

    /** Draws that differ would make what penalties know differ too, so there are none together. */
    private SamplingSettings settings() {
        boolean penalties = random.nextInt(3) == 0;
        boolean greedy = penalties || random.nextInt(3) == 0;
        return new SamplingSettings(
                greedy ? 0 : (float) random.nextDouble(0.3, 1.5),
                random.nextInt(3) == 0 ? random.nextInt(1, 40) : 0,
                random.nextInt(3) == 0 ? (float) random.nextDouble(0.3, 1) : 1,
                random.nextInt(3) == 0 ? (float) random.nextDouble(0, 0.3) : 0,
                penalties ? (float) random.nextDouble(1, 1.5) : 1,
                penalties ? (float) random.nextDouble(-0.5, 0.5) : 0,
                penalties ? (float) random.nextDouble(-0.5, 0.5) : 0,
                random.nextLong(),
                random.nextInt(-1, 21));
    }
}
