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
import org.junit.jupiter.params.provider.CsvSource;

class CpuColumnNormsTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "7, 5, 2", "255, 8, 3", "256, 16, 4", "257, 3, 1", "2000, 77, 17"})
    void matchesPlainLoops(int vocabulary, int hidden, int rank) {
        SplittableRandom random = new SplittableRandom(vocabulary);
        float scaling = 1.7f;
        try (Arena arena = Arena.ofShared()) {
            Matrix w = matrix(arena, random, vocabulary, hidden);
            Matrix a = matrix(arena, random, rank, vocabulary);
            Matrix b = matrix(arena, random, hidden, rank);
            Matrix norms = matrix(arena, random, 1, hidden);
            CpuColumnNorms.compute(w, new Delta.LowRankEmbedding(a, b, scaling, null), norms);
            for (int i = 0; i < hidden; i++) {
                double squares = 0;
                for (int token = 0; token < vocabulary; token++) {
                    double value = at(w, token, i);
                    for (int r = 0; r < rank; r++) {
                        value += scaling * at(b, i, r) * at(a, r, token);
                    }
                    squares += value * value;
                }
                assertThat(at(norms, 0, i)).isCloseTo(Math.sqrt(squares), within(1e-5 * Math.sqrt(squares)));
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
