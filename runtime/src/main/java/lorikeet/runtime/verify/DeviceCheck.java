package lorikeet.runtime.verify;

import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.InvalidLogitsException;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.RotaryFrequencies;
import org.jspecify.annotations.Nullable;

/**
 * Runs random steps of random small models, with adapters of all kinds, on a device and on another that is known to be
 * right, and compares what every operation leaves behind.
 *
 * <p>The other device's operations start from what the checked one's left, so that each is judged by itself: what earlier
 * ones have rounded would else grow where scores of attention are large. Only decode steps are compared as a whole, as a
 * device may record them.
 *
 * <p>A row's error is its distance from the right one over the norm of that or, if it is larger, the median norm of the
 * step's rows: where much cancels out, a row is small and its rounding is not.
 */
public final class DeviceCheck {
    private static final int MOST_TOKENS = 700;
    private static final int MOST_LENGTH = 640;
    private static final int ADAPTERS = 5;
    private static final int DECODE_STEPS = 4;
    private static final double LEAST_NORM = 1e-15;

    private final Operations device;
    private final Operations reference;
    private final double limit;

    /**
     * What came of one model.
     *
     * @param shape the model, for people
     * @param errors the largest relative error of each operation's results, in the order in which they were first seen
     * @param differences one line for each result that was off
     */
    public record Result(String shape, Map<String, Double> errors, List<String> differences) {
        public Result {
            differences = List.copyOf(differences);
        }

        /** The largest error of all. */
        public double largestError() {
            return errors.values().stream().max(Double::compare).orElse(0.0);
        }
    }

    /** One text of the check. */
    private static final class Text {
        private final int adapter;
        private final int[] tokens;
        private final int[] deviceBlocks;
        private final int[] referenceBlocks;
        private int computed;

        Text(int adapter, int[] tokens, int[] deviceBlocks, int[] referenceBlocks) {
            this.adapter = adapter;
            this.tokens = tokens;
            this.deviceBlocks = deviceBlocks;
            this.referenceBlocks = referenceBlocks;
        }
    }

    /**
     * A check.
     *
     * @param device what is checked
     * @param reference what is right; with activations in float32 that Java can write
     * @param limit the largest relative error that is accepted
     */
    public DeviceCheck(Operations device, Operations reference, double limit) {
        this.device = device;
        this.reference = reference;
        this.limit = limit;
    }

    /** Checks a random model; the same seed gives the same one. */
    public Result run(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        CheckShape shape = CheckShape.random(random);
        try (Arena arena = Arena.ofShared()) {
            CheckWeights weights = new CheckWeights(shape, random, arena);
            try (CheckSide first = new CheckSide(shape, weights, device, MOST_TOKENS);
                    CheckSide second = new CheckSide(shape, weights, reference, MOST_TOKENS)) {
                return new Run(shape, random, weights, first, second).run();
            }
        }
    }

    /** The check of one model. */
    private final class Run {
        private final CheckShape shape;
        private final SplittableRandom random;
        private final CheckSide first;
        private final CheckSide second;
        private final List<@Nullable AdapterWeights> firstAdapters = new ArrayList<>();
        private final List<@Nullable AdapterWeights> secondAdapters = new ArrayList<>();
        private final List<Text> texts = new ArrayList<>();
        private final RotaryFrequencies rotary;
        private final Map<String, Double> errors = new LinkedHashMap<>();
        private final List<String> differences = new ArrayList<>();

        Run(CheckShape shape, SplittableRandom random, CheckWeights weights, CheckSide first, CheckSide second) {
            this.shape = shape;
            this.random = random;
            this.first = first;
            this.second = second;
            float[] inverse = new float[shape.headSize() / 2];
            for (int i = 0; i < inverse.length; i++) {
                inverse[i] = (float) Math.pow(10000, -2.0 * i / shape.headSize());
            }
            rotary = new RotaryFrequencies(inverse, 1);
            firstAdapters.add(null);
            secondAdapters.add(null);
            for (int i = 0; i < ADAPTERS; i++) {
                AdapterWeights adapter = weights.adapter();
                firstAdapters.add(first.copyIn(adapter));
                secondAdapters.add(second.copyIn(adapter));
            }
        }

        Result run() {
            for (int i = random.nextInt(1, 10); i > 0; i--) {
                addText();
            }
            int step = 0;
            while (texts.stream().anyMatch(text -> text.computed == 0)) {
                step("prompts " + step++, true);
            }
            addText();
            step("prompts beside running texts", true);
            for (int i = 0; i < DECODE_STEPS; i++) {
                step("decode " + i, false);
            }
            CheckSide.Left logits = first.logits(texts.size());
            List<float[]> rows = new ArrayList<>();
            for (int row = 0; row < logits.rows(); row++) {
                rows.add(first.read(logits, row));
            }
            try {
                differences.addAll(
                        new SamplerCheck(device.sampler(), reference.sampler(), random).run(logits.matrix(), rows));
            } catch (InvalidLogitsException e) {
                differences.add("sampler: " + e.getMessage());
            }
            return new Result(shape.toString(), errors, differences);
        }

        private void addText() {
            int length = random.nextBoolean() ? random.nextInt(1, 40) : random.nextInt(1, MOST_LENGTH);
            int[] tokens = random.ints(length + 64, 0, shape.vocabulary()).toArray();
            int blocks = KvLayout.blocksFor(tokens.length);
            texts.add(new Text(random.nextInt(ADAPTERS + 1), tokens, first.blocks(blocks), second.blocks(blocks)));
            texts.sort(Comparator.comparingInt(text -> text.adapter));
        }

        /** One step: a token of each running text, and pieces of prompts as far as they fit. */
        private void step(String name, boolean prompts) {
            Batch one = new Batch();
            Batch other = new Batch();
            int left = MOST_TOKENS;
            for (Text text : texts) {
                int most = prompts ? text.tokens.length - 64 - text.computed : 1;
                int count = text.computed > 0 ? 1 : random.nextInt(Math.max(1, most / 2), most + 1);
                if (count > left) {
                    continue;
                }
                left -= count;
                int from = text.computed;
                text.computed += count;
                int outputs = prompts && count == 1 && random.nextBoolean() ? 0 : 1;
                one.addSequence(
                        firstAdapters.get(text.adapter),
                        text.tokens,
                        from,
                        text.computed,
                        text.deviceBlocks,
                        rotary,
                        outputs);
                other.addSequence(
                        secondAdapters.get(text.adapter),
                        text.tokens,
                        from,
                        text.computed,
                        text.referenceBlocks,
                        rotary,
                        outputs);
            }
            Queue<List<float[]>> found = new ArrayDeque<>();
            first.run(one, seen -> found.add(rows(first, seen)));
            second.run(other, seen -> {
                List<float[]> rows = found.remove();
                compare(name, seen.operation(), rows, rows(second, seen));
                second.write(seen, rows);
            });
        }

        private static List<float[]> rows(CheckSide side, CheckSide.Left left) {
            List<float[]> rows = new ArrayList<>();
            for (int row = 0; row < left.rows(); row++) {
                rows.add(Arrays.copyOf(side.read(left, row), left.cols()));
            }
            return rows;
        }

        private void compare(String step, String operation, List<float[]> found, List<float[]> expected) {
            double largest = 0;
            int worst = 0;
            double usual = medianNorm(expected);
            for (int row = 0; row < expected.size(); row++) {
                double error = distance(found.get(row), expected.get(row))
                        / Math.max(Math.max(norm(expected.get(row)), usual), LEAST_NORM);
                if (!(error <= largest)) {
                    largest = error;
                    worst = row;
                }
            }
            errors.merge(operation, largest, Math::max);
            if (!(largest <= limit)) {
                differences.add(step + ", " + operation + ": row " + worst + " of " + expected.size() + " is off by "
                        + largest + ", at most " + limit + " is accepted");
            }
        }

        private static double distance(float[] found, float[] expected) {
            double sum = 0;
            for (int i = 0; i < expected.length; i++) {
                sum += Math.pow((double) found[i] - expected[i], 2);
            }
            return Math.sqrt(sum);
        }

        private static double norm(float[] row) {
            double sum = 0;
            for (float value : row) {
                sum += (double) value * value;
            }
            return Math.sqrt(sum);
        }

        private static double medianNorm(List<float[]> rows) {
            double[] norms = rows.stream().mapToDouble(Run::norm).sorted().toArray();
            return norms.length == 0 ? 0 : norms[norms.length / 2];
        }
    }
}
