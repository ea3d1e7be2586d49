package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.kernels.Linear;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.junit.jupiter.api.Test;

final class MatVecTest {
    @Test
    void describesEveryLayerAndClearsTheRest() {
        try (Arena arena = Arena.ofConfined()) {
            Matrix in = matrix(arena, 3, 8);
            Matrix out = matrix(arena, 3, 30);
            Linear first = new Linear(matrix(arena, 20, 8), null, 0);
            Linear second = new Linear(matrix(arena, 10, 8), null, 1);
            MemorySegment struct = arena.allocate(MatVec.BYTES, Long.BYTES).fill((byte) -1);

            MatVec.write(struct, in, List.of(first, second), out);

            assertThat(struct.get(JAVA_LONG, 0)).isEqualTo(in.data().address());
            assertThat(struct.get(JAVA_LONG, 8)).isEqualTo(out.data().address());
            assertThat(List.of(16, 20, 24, 28, 56, 60, 64))
                    .extracting(at -> struct.get(JAVA_INT, at))
                    .containsExactly(8, 30, 8, 2, 20, 10, 0);
            assertThat(List.of(32, 40, 48))
                    .extracting(at -> struct.get(JAVA_LONG, at))
                    .containsExactly(
                            first.weight().data().address(),
                            second.weight().data().address(),
                            0L);
        }
    }

    @Test
    void givesEveryLayerTilesOfItsOwn() {
        try (Arena arena = Arena.ofConfined()) {
            List<Linear> layers =
                    List.of(new Linear(matrix(arena, 20, 8), null, 0), new Linear(matrix(arena, 16, 8), null, 1));
            assertThat(MatVec.tiles(layers, 16)).isEqualTo(3);
        }
    }

    private static Matrix matrix(Arena arena, int rows, int cols) {
        return new Matrix(arena.allocate(2L * rows * cols, Long.BYTES), ElementType.BF16, rows, cols);
    }
}
