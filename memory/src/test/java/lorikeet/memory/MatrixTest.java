package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class MatrixTest {
    private static final byte[] BYTES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

    @Test
    void slicesItsRows() {
        Matrix matrix = new Matrix(MemorySegment.ofArray(BYTES), ElementType.F16, 3, 2);

        assertThat(matrix.rowBytes()).isEqualTo(4);
        assertThat(matrix.rows(1, 3).data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(4, 5, 6, 7, 8, 9, 10, 11);
        assertThat(matrix.rows(1, 3).rows()).isEqualTo(2);
        assertThat(matrix.rows(3, 3).rows()).isZero();
        assertThatThrownBy(() -> matrix.rows(2, 4)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void hasExactlyItsBytes() {
        MemorySegment data = MemorySegment.ofArray(BYTES);
        assertThatThrownBy(() -> new Matrix(data, ElementType.F32, 2, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("16 bytes")
                .hasMessageContaining("12");
        assertThatThrownBy(() -> new Matrix(data, ElementType.U8, -3, -4)).isInstanceOf(IllegalArgumentException.class);
    }
}
