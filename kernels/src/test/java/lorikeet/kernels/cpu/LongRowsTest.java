package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows so long that a lone input meets several of them at once, as in a large model's layers. */
class LongRowsTest {
    /** More than a block's rows, and a last block that can't be divided. */
    private static final int OUT = 3 * RowBlock.ROWS - 3;

    private static final int IN = 8192;

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"BF16", "F16", "F32"})
    void aloneAndAmongOthers(ElementType type) {
        long seed = System.nanoTime();
        try (WorkerPool pool = new WorkerPool(2);
                CpuMatmul matmul = new CpuMatmul(pool);
                Arena arena = Arena.ofShared()) {
            Weights weights = new Weights(arena, new Random(seed));
            Linear layer = new Linear(weights.random(type, OUT, IN), null, 0);
            Projection projection = new Projection(List.of(layer));
            // A tile and a lone input.
            int rows = ProductInput.WIDTH + 1;
            Matrix x = weights.random(ElementType.F32, rows, IN);
            Matrix together = weights.empty(ElementType.F32, rows, OUT, 0);
            matmul.project(new Projected(projection, together), x, CpuMatmulTest.groups(rows, new int[] {rows}, null));
            for (int t = 0; t < rows; t++) {
                Matrix alone = weights.empty(ElementType.F32, 1, OUT, 0);
                matmul.project(
                        new Projected(projection, alone),
                        x.rows(t, t + 1),
                        CpuMatmulTest.groups(1, new int[] {1}, null));
                assertThat(Weights.row(together, t))
                        .as("seed %s, row %s", seed, t)
                        .containsExactly(Weights.row(alone, 0));
                for (int o = 0; o < OUT; o++) {
                    CpuMatmulTest.Expected expected = CpuMatmulTest.Expected.of(layer, null, Weights.row(x, t), o);
                    assertThat((double) Weights.get(alone, 0, o))
                            .as("seed %s, row %s, output %s", seed, t, o)
                            .isCloseTo(expected.value(), within(expected.tolerance()));
                }
            }
        }
    }
}
