package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoredWeightsTest {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    /** Numbers that all types hold exactly, at an odd address. */
    private static Matrix counting(ElementType type, int rows, int cols) {
        MemorySegment data = Arena.ofAuto()
                .allocate((long) rows * cols * type.bytes() + 1, 8)
                .asSlice(1);
        for (int i = 0; i < rows * cols; i++) {
            float value = i % 97 - 40;
            switch (type) {
                case F32 -> data.set(FLOAT, 4L * i, value);
                case F16 -> data.set(SHORT, 2L * i, Floats.toF16(value));
                default -> data.set(SHORT, 2L * i, Floats.toBf16(value));
            }
        }
        return new Matrix(data, type, rows, cols);
    }

    @ParameterizedTest
    @CsvSource({"F32, F32", "F16, F16", "BF16, BF16", "F32, BF16", "BF16, F16", "F16, F32"})
    void findsOneElementThatDiffers(ElementType left, ElementType right) {
        int rows = 700;
        int cols = 300;
        Matrix a = counting(left, rows, cols);
        Matrix b = counting(right, rows, cols);
        assertThat(StoredWeights.same(a, b)).isTrue();
        for (int at : new int[] {0, 1, cols, rows * cols / 2, rows * cols - 1}) {
            Matrix changed = counting(right, rows, cols);
            changed.data().set(ValueLayout.JAVA_BYTE, (long) (at + 1) * right.bytes() - 1, (byte) 0x55);
            assertThat(StoredWeights.same(a, changed)).as("element %d", at).isFalse();
        }
    }

    @Test
    void otherSizesDiffer() {
        assertThat(StoredWeights.same(counting(ElementType.F32, 4, 6), counting(ElementType.F32, 6, 4)))
                .isFalse();
        assertThat(StoredWeights.same(counting(ElementType.F32, 0, 6), counting(ElementType.F32, 0, 6)))
                .isTrue();
    }

    @Test
    void refusesTypesThatAreNoWeights() {
        Matrix bytes = new Matrix(MemorySegment.ofArray(new byte[16]), ElementType.I8, 4, 4);
        assertThatThrownBy(() -> StoredWeights.same(bytes, counting(ElementType.F32, 4, 4)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
