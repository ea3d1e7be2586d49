package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products against plain loops in double precision. */
class CpuMatmulTest {
    private static final ElementType[] TYPES = {ElementType.BF16, ElementType.F16, ElementType.F32};

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"BF16", "F16", "F32"})
    void multipliesAnyShape(ElementType type) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] sizes = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 96, 100, 256, 900, 1300};
        int[] rows = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 70};
        try (WorkerPool pool = new WorkerPool(3);
                CpuMatmul matmul = new CpuMatmul(pool)) {
            for (int run = 0; run < 60; run++) {
                try (Arena arena = Arena.ofShared()) {
                    Weights weights = new Weights(arena, random);
                    int in = pick(random, sizes);
                    int t = pick(random, rows);
                    List<Linear> parts = new ArrayList<>();
                    for (int p = 0; p < 1 + random.nextInt(3); p++) {
                        int out = pick(random, sizes);
                        Matrix bias = random.nextBoolean() ? weights.random(pick(random), 1, out) : null;
                        parts.add(new Linear(weights.random(type, out, in), bias, p));
                    }
                    check(matmul, weights, new Projection(parts), groups(t, new int[] {t}, null), in, "seed " + seed);
                }
            }
        }
    }

    @Test
    void addsEachGroupsChange() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] sizes = {1, 9, 16, 40, 96, 130, 300};
        int[] ranks = {1, 2, 3, 4, 8, 12, 15, 16, 17, 32, 40, 64, 100, 128, 256};
        int[] groupSizes = {1, 1, 1, 2, 3, 5, 9, 30, 100};
        try (WorkerPool pool = new WorkerPool(3);
                CpuMatmul matmul = new CpuMatmul(pool)) {
            for (int run = 0; run < 60; run++) {
                try (Arena arena = Arena.ofShared()) {
                    Weights weights = new Weights(arena, random);
                    int in = pick(random, sizes);
                    List<Linear> parts = new ArrayList<>();
                    for (int p = 0; p < 1 + random.nextInt(3); p++) {
                        int out = pick(random, sizes);
                        Matrix bias = random.nextBoolean() ? weights.random(pick(random), 1, out) : null;
                        parts.add(new Linear(weights.random(pick(random), out, in), bias, 2 * p));
                    }
                    RowGroups groups = new RowGroups();
                    for (int g = 0; g < 1 + random.nextInt(8); g++) {
                        groups.add(
                                random.nextInt(4) == 0 ? null : adapter(weights, random, parts, ranks),
                                pick(random, groupSizes));
                    }
                    check(matmul, weights, new Projection(parts), groups, in, "seed " + seed);
                }
            }
        }
    }

    @Test
    void anOutputIsTheSameAloneAndAmongOthers() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] sizes = {7, 32, 48, 64, 96, 130, 256};
        int[] ranks = {1, 4, 8, 15, 16, 32, 40};
        int[] groupSizes = {1, 1, 2, 3, 5, 9};
        try (WorkerPool pool = new WorkerPool(3);
                CpuMatmul matmul = new CpuMatmul(pool)) {
            for (int run = 0; run < 40; run++) {
                try (Arena arena = Arena.ofShared()) {
                    Weights weights = new Weights(arena, random);
                    int in = pick(random, sizes);
                    Linear layer = new Linear(weights.random(pick(random), pick(random, sizes), in), null, 0);
                    Projection projection = new Projection(List.of(layer));
                    RowGroups groups = new RowGroups();
                    for (int g = 0; g < 1 + random.nextInt(6); g++) {
                        groups.add(adapter(weights, random, List.of(layer), ranks), pick(random, groupSizes));
                    }
                    Matrix x = weights.random(ElementType.F32, groups.rows(), in);
                    Matrix together = weights.empty(ElementType.F32, groups.rows(), layer.out(), 0);
                    matmul.project(new Projected(projection, together), x, groups);
                    Matrix alone = weights.empty(ElementType.F32, 1, layer.out(), 0);
                    for (int g = 0; g < groups.count(); g++) {
                        for (int t = groups.start(g); t < groups.end(g); t++) {
                            matmul.project(
                                    new Projected(projection, alone),
                                    x.rows(t, t + 1),
                                    groups(1, new int[] {1}, groups.adapter(g)));
                            assertThat(Weights.row(together, t))
                                    .as("seed %s, row %s of %s with %s", seed, t, groups.rows(), layer)
                                    .containsExactly(Weights.row(alone, 0));
                        }
                    }
                }
            }
        }
    }

    private static AdapterWeights adapter(Weights weights, Random random, List<Linear> parts, int[] ranks) {
        @Nullable Delta[] deltas = new Delta[2 * parts.size()];
        for (Linear part : parts) {
            if (random.nextInt(4) > 0) {
                deltas[part.slot()] = lowRank(weights, random, part, pick(random, ranks));
            }
        }
        return new AdapterWeights(deltas);
    }

    static Delta.LowRank lowRank(Weights weights, Random random, Linear part, int rank) {
        Matrix a = weights.random(pick(random), rank, part.in());
        Matrix b = weights.random(pick(random), part.out(), rank);
        Matrix bias = random.nextInt(3) == 0 ? weights.random(pick(random), 1, part.out()) : null;
        Matrix magnitude = random.nextInt(3) == 0 ? weights.random(ElementType.F32, 1, part.out()) : null;
        return new Delta.LowRank(a, b, random.nextFloat() * 2, bias, magnitude);
    }

    private static void check(
            CpuMatmul matmul, Weights weights, Projection projection, RowGroups groups, int in, String seed) {
        int rows = groups.rows();
        Matrix x = weights.random(ElementType.F32, rows + 2, in);
        Matrix out = weights.empty(ElementType.F32, rows + 2, projection.out(), 0);
        matmul.project(new Projected(projection, out), x, groups);
        for (int g = 0; g < groups.count(); g++) {
            for (int t = groups.start(g); t < groups.end(g); t++) {
                int column = 0;
                for (Linear part : projection.parts()) {
                    Delta.LowRank delta = (Delta.LowRank) groups.delta(g, part.slot());
                    for (int o = 0; o < part.out(); o++) {
                        Expected expected = Expected.of(part, delta, Weights.row(x, t), o);
                        String what =
                                "%s, %s rows, %s in, row %s, output %s of %s".formatted(seed, rows, in, t, o, part);
                        float actual = Weights.get(out, t, column + o);
                        if (!(Math.abs(actual - expected.value) <= expected.tolerance)) {
                            assertThat((double) actual).as(what).isEqualTo(expected.value);
                        }
                    }
                    column += part.out();
                }
            }
        }
        for (int t = rows; t < rows + 2; t++) {
            assertThat(Weights.row(out, t)).containsOnly(0);
        }
    }

    static RowGroups groups(int rows, int[] sizes, @Nullable AdapterWeights adapter) {
        RowGroups groups = new RowGroups();
        for (int size : sizes) {
            groups.add(adapter, size);
        }
        assertThat(groups.rows()).isEqualTo(rows);
        return groups;
    }

    static int pick(Random random, int[] from) {
        return from[random.nextInt(from.length)];
    }

    static ElementType pick(Random random) {
        return TYPES[random.nextInt(TYPES.length)];
    }

    /** What an output should be, and how far float32 sums may be off. */
    record Expected(double value, double tolerance) {
        static Expected of(Linear layer, Delta.@Nullable LowRank delta, double[] x, int o) {
            double sum = 0;
            double size = 0;
            double[] w = Weights.row(layer.weight(), o);
            for (int i = 0; i < x.length; i++) {
                sum += w[i] * x[i];
                size += Math.abs(w[i] * x[i]);
            }
            if (delta != null) {
                double change = delta.loraBias() == null ? 0 : Weights.get(delta.loraBias(), 0, o);
                double changeSize = Math.abs(change);
                for (int r = 0; r < delta.rank(); r++) {
                    double h = 0;
                    double hSize = 0;
                    for (int i = 0; i < x.length; i++) {
                        double product = x[i] * Weights.get(delta.a(), r, i);
                        h += product;
                        hSize += Math.abs(product);
                    }
                    double b = Weights.get(delta.b(), o, r);
                    change += h * b;
                    changeSize += hSize * Math.abs(b);
                }
                double factor = delta.magnitude() == null ? 1 : Weights.get(delta.magnitude(), 0, o);
                sum = (sum + delta.scaling() * change) * factor;
                size = (size + Math.abs(delta.scaling()) * changeSize) * Math.abs(factor);
            }
            if (layer.bias() != null) {
                double bias = Weights.get(layer.bias(), 0, o);
                sum += bias;
                size += Math.abs(bias);
            }
            return new Expected(sum, size * 2e-6 + 1e-30);
        }
    }
}
