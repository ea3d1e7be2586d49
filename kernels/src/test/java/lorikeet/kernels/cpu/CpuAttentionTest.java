package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Delta;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.kernels.cpu.AttentionRun.Sequence;
import lorikeet.memory.ElementType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuAttentionTest {
    private static final int QUERY_SLOT = 1;
    private static final int KEY_SLOT = 4;

    @ParameterizedTest
    @ValueSource(ints = {2, 16, 20, 24, 64, 80, 96, 128, 256})
    void agreesWithPlainLoopsHoweverItIsCutIntoSteps(int headSize) {
        try (CpuOperations one = new CpuOperations(1);
                CpuOperations three = new CpuOperations(3)) {
            for (int seed = 0; seed < 4; seed++) {
                Random random = new Random(100 * headSize + seed);
                AttentionShape shape = shape(random, headSize);
                HeadNorms norms = norms(random, headSize);
                List<Sequence> sequences = sequences(random, shape, headSize < 100 ? 700 : 300);
                String what = "seed " + seed + ", " + shape;

                float[][] alone =
                        new AttentionRun(one, shape, norms).run(sequences, AttentionRun.alone(sequences), random);
                float[][] mixed = new AttentionRun(three, shape, norms)
                        .run(sequences, AttentionRun.mixed(sequences, random), random);

                AttentionReference reference = new AttentionReference(shape, norms);
                for (int s = 0; s < sequences.size(); s++) {
                    assertThat(mixed[s]).as("%s, sequence %s", what, s).isEqualTo(alone[s]);
                    assertClose(alone[s], reference.attend(sequences.get(s)), what);
                }
            }
        }
    }

    @Test
    void seesExactlyTheWindow() {
        Random random = new Random(5);
        try (CpuOperations operations = new CpuOperations(2)) {
            for (int window : new int[] {1, 2, 15, 16, 17, 255, 256, 257, 300, 10_000}) {
                AttentionShape shape = new AttentionShape(0, 2, 1, 8, 0.4f, window);
                List<Sequence> sequences = List.of(sequence(random, shape, 600));
                float[][] result = new AttentionRun(operations, shape, HeadNorms.NONE)
                        .run(sequences, AttentionRun.mixed(sequences, random), random);
                double[] expected = new AttentionReference(shape, HeadNorms.NONE).attend(sequences.getFirst());
                assertClose(result[0], expected, "window " + window);
            }
        }
    }

    /** One query over a long context is cut into many parts, and scores far apart make the merging matter. */
    @Test
    void mergesLongContexts() {
        Random random = new Random(6);
        AttentionShape shape = new AttentionShape(1, 4, 2, 16, 3, 0);
        List<Sequence> sequences = List.of(sequence(random, shape, 2000));
        List<List<AttentionRun.Chunk>> lastAlone =
                List.of(List.of(new AttentionRun.Chunk(0, 1999)), List.of(new AttentionRun.Chunk(0, 1)));
        try (CpuOperations operations = new CpuOperations(2)) {
            AttentionRun run = new AttentionRun(operations, shape, HeadNorms.NONE);
            float[][] split = run.run(sequences, lastAlone, random);
            float[][] whole = run.run(sequences, AttentionRun.alone(sequences), random);
            assertThat(split[0]).isEqualTo(whole[0]);
        }
    }

    private static AttentionShape shape(Random random, int headSize) {
        int kvHeads = 1 + random.nextInt(3);
        int heads = kvHeads * (1 + random.nextInt(7));
        int window = random.nextInt(3) == 0 ? 1 + random.nextInt(400) : 0;
        float scale = (float) (1 / Math.sqrt(headSize));
        return new AttentionShape(random.nextInt(3), heads, kvHeads, headSize, scale, window);
    }

    private static HeadNorms norms(Random random, int headSize) {
        return random.nextBoolean()
                ? HeadNorms.NONE
                : new HeadNorms(
                        new Norm(
                                RandomMatrices.normal(random, RandomMatrices.weightType(random), 1, headSize),
                                1e-6f,
                                QUERY_SLOT),
                        new Norm(
                                RandomMatrices.normal(random, RandomMatrices.weightType(random), 1, headSize),
                                1e-5f,
                                KEY_SLOT));
    }

    private static List<Sequence> sequences(Random random, AttentionShape shape, int longest) {
        List<Sequence> sequences = new ArrayList<>();
        for (int s = 0; s < 3; s++) {
            sequences.add(sequence(random, shape, 1 + random.nextInt(s == 0 ? longest : 40)));
        }
        return sequences;
    }

    private static Sequence sequence(Random random, AttentionShape shape, int tokens) {
        int headSize = shape.headSize();
        // Half of the components or all of them are turned.
        float[] inverse = new float[Math.max(1, random.nextInt(3) == 0 ? headSize / 4 : headSize / 2)];
        for (int i = 0; i < inverse.length; i++) {
            inverse[i] = (float) Math.pow(10_000, -(double) i / inverse.length);
        }
        RotaryFrequencies rotary = new RotaryFrequencies(inverse, random.nextBoolean() ? 1 : 0.8f);
        int cols = (shape.heads() + 2 * shape.kvHeads()) * headSize;
        return new Sequence(
                RandomMatrices.normal(random, ElementType.F32, tokens, cols), rotary, adapter(random, headSize));
    }

    private static AdapterWeights adapter(Random random, int headSize) {
        Delta[] deltas = new Delta[6];
        if (random.nextBoolean()) {
            deltas[QUERY_SLOT] = new Delta.Replacement(
                    RandomMatrices.normal(random, RandomMatrices.weightType(random), 1, headSize));
        }
        return new AdapterWeights(deltas);
    }

    private static void assertClose(float[] actual, double[] expected, String what) {
        assertThat(actual.length).isEqualTo(expected.length);
        for (int i = 0; i < actual.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) < 2e-5)) {
                fail("%s, element %s: %s, expected %s", what, i, actual[i], expected[i]);
            }
        }
    }
}
