package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Linear;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Heads and embedding tables with every change that an adapter can make to them, against plain loops. */
class ChangedTablesTest {
    private static final int[] RANKS = {1, 2, 3, 5, 8, 16, 31, 64, 128};
    private static final int SLOT = 0;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @Test
    void logits() {
        try (WorkerPool pool = new WorkerPool(3);
                CpuMatmul matmul = new CpuMatmul(pool)) {
            for (int run = 0; run < 40; run++) {
                try (Arena arena = Arena.ofShared()) {
                    checkLogits(matmul, new Weights(arena, random));
                }
            }
        }
    }

    private void checkLogits(CpuMatmul matmul, Weights weights) {
        int hidden = CpuMatmulTest.pick(random, new int[] {8, 33, 64, 100});
        int vocabulary = CpuMatmulTest.pick(random, new int[] {1, 40, 129, 300});
        Linear head = new Linear(weights.random(CpuMatmulTest.pick(random), vocabulary, hidden), null, SLOT);
        RowGroups groups = new RowGroups();
        for (int g = 0; g < 1 + random.nextInt(6); g++) {
            Delta delta = headChange(weights, head);
            groups.add(delta == null ? null : new AdapterWeights(new Delta[] {delta}), 1 + random.nextInt(5));
        }
        Matrix x = weights.random(ElementType.F32, groups.rows(), hidden);
        Matrix out = weights.empty(ElementType.F32, groups.rows(), vocabulary, 0);
        matmul.logits(x, head, out, groups);
        for (int g = 0; g < groups.count(); g++) {
            Delta delta = groups.delta(g, SLOT);
            for (int row = groups.start(g); row < groups.end(g); row++) {
                for (int token = 0; token < vocabulary; token++) {
                    CpuMatmulTest.Expected expected = logit(head, delta, Weights.row(x, row), token);
                    assertThat((double) Weights.get(out, row, token))
                            .as("seed %d, row %d, token %d, %s", seed, row, token, delta)
                            .isCloseTo(expected.value(), within(expected.tolerance()));
                }
            }
        }
    }

    private @Nullable Delta headChange(Weights weights, Linear head) {
        int rank = CpuMatmulTest.pick(random, RANKS);
        return switch (random.nextInt(5)) {
            case 0 -> null;
            case 1 -> CpuMatmulTest.lowRank(weights, random, head, rank);
            case 2 -> new Delta.Replacement(another(weights, head.weight()));
            case 3 ->
                new Delta.Rebased(another(weights, head.weight()), CpuMatmulTest.lowRank(weights, random, head, rank));
            default -> tokenRows(weights, head.weight());
        };
    }

    private Matrix another(Weights weights, Matrix table) {
        return weights.random(CpuMatmulTest.pick(random), table.rows(), table.cols());
    }

    private Delta.TokenRows tokenRows(Weights weights, Matrix table) {
        int[] tokens = random.ints(1 + random.nextInt(table.rows()), 0, table.rows())
                .distinct()
                .sorted()
                .toArray();
        return new Delta.TokenRows(tokens, weights.random(CpuMatmulTest.pick(random), tokens.length, table.cols()));
    }

    private static CpuMatmulTest.Expected logit(Linear head, @Nullable Delta delta, double[] x, int token) {
        return switch (delta) {
            case null -> CpuMatmulTest.Expected.of(head, null, x, token);
            case Delta.LowRank low -> CpuMatmulTest.Expected.of(head, low, x, token);
            case Delta.Replacement(Matrix weight) ->
                CpuMatmulTest.Expected.of(new Linear(weight, null, SLOT), null, x, token);
            case Delta.Rebased(Matrix weight, Delta change) ->
                CpuMatmulTest.Expected.of(new Linear(weight, null, SLOT), (Delta.LowRank) change, x, token);
            case Delta.TokenRows(int[] tokens, Matrix rows) -> {
                int index = Arrays.binarySearch(tokens, token);
                yield index < 0
                        ? CpuMatmulTest.Expected.of(head, null, x, token)
                        : CpuMatmulTest.Expected.of(new Linear(rows, null, SLOT), null, x, index);
            }
            case Delta.LowRankEmbedding other -> throw new IllegalArgumentException(other.toString());
        };
    }

    @Test
    void embeddings() {
        try (WorkerPool pool = new WorkerPool(3)) {
            CpuEmbedding embedding = new CpuEmbedding(pool);
            for (int run = 0; run < 40; run++) {
                try (Arena arena = Arena.ofShared()) {
                    checkEmbeddings(embedding, new Weights(arena, random));
                }
            }
        }
    }

    private void checkEmbeddings(CpuEmbedding embedding, Weights weights) {
        int hidden = CpuMatmulTest.pick(random, new int[] {8, 33, 64, 100});
        int vocabulary = CpuMatmulTest.pick(random, new int[] {1, 40, 129, 300});
        Matrix table = weights.random(CpuMatmulTest.pick(random), vocabulary, hidden);
        Batch batch = new Batch();
        List<@Nullable Delta> deltas = new ArrayList<>();
        for (int s = 0; s < 1 + random.nextInt(6); s++) {
            Delta delta = tableChange(weights, table);
            int[] tokens = random.ints(1 + random.nextInt(9), 0, vocabulary).toArray();
            batch.addSequence(
                    delta == null ? null : new AdapterWeights(new Delta[] {delta}),
                    tokens,
                    0,
                    tokens.length,
                    new int[] {0},
                    new RotaryFrequencies(new float[] {1}, 1),
                    1);
            for (int i = 0; i < tokens.length; i++) {
                deltas.add(delta);
            }
        }
        Matrix out = weights.empty(ElementType.F32, batch.tokens(), hidden, 0);
        embedding.embed(batch, id -> id, table, SLOT, out);
        for (int row = 0; row < batch.tokens(); row++) {
            for (int i = 0; i < hidden; i++) {
                double expected = component(table, deltas.get(row), batch.id(row), i);
                assertThat((double) Weights.get(out, row, i))
                        .as("seed %d, row %d, component %d, %s", seed, row, i, deltas.get(row))
                        .isCloseTo(expected, within(1e-4 + 1e-4 * Math.abs(expected)));
            }
        }
    }

    private @Nullable Delta tableChange(Weights weights, Matrix table) {
        return switch (random.nextInt(5)) {
            case 0 -> null;
            case 1 -> lowRankEmbedding(weights, table);
            case 2 -> new Delta.Replacement(another(weights, table));
            case 3 -> new Delta.Rebased(another(weights, table), lowRankEmbedding(weights, table));
            default -> tokenRows(weights, table);
        };
    }

    private Delta.LowRankEmbedding lowRankEmbedding(Weights weights, Matrix table) {
        int rank = CpuMatmulTest.pick(random, RANKS);
        return new Delta.LowRankEmbedding(
                weights.random(CpuMatmulTest.pick(random), rank, table.rows()),
                weights.random(CpuMatmulTest.pick(random), table.cols(), rank),
                random.nextFloat() * 2,
                random.nextBoolean() ? weights.random(ElementType.F32, 1, table.cols()) : null);
    }

    private static double component(Matrix table, @Nullable Delta delta, int token, int i) {
        return switch (delta) {
            case null -> Weights.get(table, token, i);
            case Delta.Replacement(Matrix weight) -> Weights.get(weight, token, i);
            case Delta.Rebased(Matrix weight, Delta change) -> component(weight, change, token, i);
            case Delta.TokenRows(int[] tokens, Matrix rows) -> {
                int index = Arrays.binarySearch(tokens, token);
                yield index < 0 ? Weights.get(table, token, i) : Weights.get(rows, index, i);
            }
            case Delta.LowRankEmbedding low -> {
                double sum = 0;
                for (int r = 0; r < low.a().rows(); r++) {
                    sum += (double) Weights.get(low.b(), i, r) * Weights.get(low.a(), r, token);
                }
                double value = Weights.get(table, token, i) + low.scaling() * sum;
                Matrix magnitude = low.magnitude();
                yield magnitude == null ? value : value * Weights.get(magnitude, 0, i);
            }
            case Delta.LowRank other -> throw new IllegalArgumentException(other.toString());
        };
    }
}
