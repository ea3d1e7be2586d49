package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import lorikeet.kernels.Delta;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuRowNormsTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void matchesPlainLoops(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int out = random.nextInt(1, 40);
        int in = random.nextInt(1, 70);
        int rank = random.nextInt(1, 20);
        float scaling = (float) random.nextDouble(0.1, 3);
        try (Arena arena = Arena.ofShared()) {
            Matrix w = matrix(arena, random, out, in);
            Matrix a = matrix(arena, random, rank, in);
            Matrix b = matrix(arena, random, out, rank);
            Matrix norms = matrix(arena, random, 1, out);
            CpuRowNorms.compute(w, new Delta.LowRank(a, b, scaling, null, null), norms);
            for (int o = 0; o < out; o++) {
                double sum = 0;
                for (int i = 0; i < in; i++) {
                    double value = at(w, o, i);
                    for (int r = 0; r < rank; r++) {
                        value += scaling * at(b, o, r) * at(a, r, i);
                    }
                    sum += value * value;
                }
                assertThat(at(norms, 0, o))
                        .as("seed %d, row %d", seed, o)
                        .isCloseTo(Math.sqrt(sum), within(1e-5 * Math.sqrt(sum) + 1e-6));
            }
        }
    }

    private static double at(Matrix matrix, int row, int col) {
        return matrix.data().getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * matrix.cols() + col);
    }

    private static Matrix matrix(Arena arena, SplittableRandom random, int rows, int cols) {
        Matrix matrix = new Matrix(arena.allocate(4L * rows * cols, 64), ElementType.F32, rows, cols);
        for (long i = 0; i < (long) rows * cols; i++) {
            matrix.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
        }
        return matrix;
    }
}
