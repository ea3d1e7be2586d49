package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TensorTest {
    private static final Path FILE = Path.of("some", "model.safetensors");

    private static Tensor tensor(long... dims) {
        Shape shape = Shape.of(dims);
        return new Tensor(
                FILE,
                "a.weight",
                ElementType.U8,
                shape,
                MemorySegment.ofArray(new byte[Math.toIntExact(shape.elements())]));
    }

    @Test
    void isAMatrixIfItHasTwoDimensions() {
        Tensor tensor = tensor(2, 3);
        Matrix matrix = tensor.matrix();

        assertThat(matrix.rows()).isEqualTo(2);
        assertThat(matrix.cols()).isEqualTo(3);
        assertThat(matrix.type()).isEqualTo(ElementType.U8);
        assertThat(matrix.data()).as("the same memory").isEqualTo(tensor.data());
    }

    @Test
    void isOneRowIfItHasOneDimension() {
        assertThat(tensor(5).matrix().rows()).isEqualTo(1);
        assertThat(tensor(5).matrix().cols()).isEqualTo(5);
    }

    @Test
    void isNoMatrixOtherwise() {
        for (long[] dims : new long[][] {{}, {1, 2, 3}, {0, 0, 0}}) {
            assertThatThrownBy(() -> tensor(dims).matrix())
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(FILE + ": tensor 'a.weight': has shape " + Shape.of(dims)
                            + "; a vector or a matrix is needed");
        }
    }

    @Test
    void isNoMatrixIfItIsTooLong() {
        assertThatThrownBy(() -> tensor(0, 1L << 31).matrix())
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("a.weight")
                .hasMessageContaining("[0, 2147483648]");
    }

    @Test
    void hasExactlyItsBytes() {
        assertThatThrownBy(
                        () -> new Tensor(FILE, "a", ElementType.F32, Shape.of(2), MemorySegment.ofArray(new byte[7])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("8 bytes");
    }

    @Test
    void hasAnImmutableShape() {
        long[] dims = {2, 3};
        Shape shape = Shape.of(dims);
        dims[0] = 7;
        shape.toArray()[1] = 7;

        assertThat(shape)
                .isEqualTo(Shape.of(2, 3))
                .hasSameHashCodeAs(Shape.of(2, 3))
                .hasToString("[2, 3]");
        assertThat(shape).isNotEqualTo(Shape.of(3, 2)).isNotEqualTo(Shape.of(6));
        assertThat(shape.elements()).isEqualTo(6);
        assertThat(Shape.of().elements()).isEqualTo(1);
        assertThat(Shape.of().rank()).isZero();
    }

    @Test
    void hasNoShapeBeyondALong() {
        assertThatThrownBy(() -> Shape.of(1L << 32, 1L << 31)).isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> Shape.of(3, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Shape.of(1L << 31, 1L << 31).elements()).isEqualTo(1L << 62);
    }
}
