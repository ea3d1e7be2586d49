package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FloatsTest {
    @Test
    void readsBf16() {
        assertThat(Floats.fromBf16((short) 0x3F80)).isEqualTo(1f);
        assertThat(Floats.fromBf16((short) 0xC049)).isEqualTo(-3.140625f);
        assertThat(Floats.fromBf16((short) 0x0001)).isEqualTo(0x1p-133f);
        assertThat(Floats.fromBf16((short) 0x7F80)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Floats.fromBf16((short) 0x7FC0)).isNaN();
        assertThat(Float.floatToRawIntBits(Floats.fromBf16((short) 0x8000))).isEqualTo(0x80000000);
    }

    @Test
    void readsF16() {
        assertThat(Floats.fromF16((short) 0x3C00)).isEqualTo(1f);
        assertThat(Floats.fromF16((short) 0x7BFF)).isEqualTo(65504f);
        assertThat(Floats.fromF16((short) 0x0001)).isEqualTo(0x1p-24f);
        assertThat(Floats.fromF16((short) 0xFC00)).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(Floats.fromF16((short) 0x7E00)).isNaN();
    }

    @Test
    void givesBackWhatItRead() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float bf16 = Floats.fromBf16((short) bits);
            float f16 = Floats.fromF16((short) bits);
            if (Float.isNaN(bf16)) {
                assertThat(Floats.fromBf16(Floats.toBf16(bf16))).isNaN();
            } else {
                assertThat(Floats.toBf16(bf16)).isEqualTo((short) bits);
            }
            if (Float.isNaN(f16)) {
                assertThat(Floats.fromF16(Floats.toF16(f16))).isNaN();
            } else {
                assertThat(Floats.toF16(f16)).isEqualTo((short) bits);
            }
        }
    }

    @Test
    void roundsBf16ToTheNearestAndTiesToEven() {
        assertThat(Floats.toBf16(Float.intBitsToFloat(0x3F808000))).isEqualTo((short) 0x3F80);
        assertThat(Floats.toBf16(Float.intBitsToFloat(0x3F808001))).isEqualTo((short) 0x3F81);
        assertThat(Floats.toBf16(Float.intBitsToFloat(0x3F818000))).isEqualTo((short) 0x3F82);
        assertThat(Floats.toBf16(Float.intBitsToFloat(0x3F817FFF))).isEqualTo((short) 0x3F81);
        assertThat(Floats.toBf16(Float.MAX_VALUE)).isEqualTo((short) 0x7F80);
        assertThat(Floats.toBf16(-Float.MAX_VALUE)).isEqualTo((short) 0xFF80);
        assertThat(Floats.toBf16(Float.intBitsToFloat(0x7F800001))).isEqualTo((short) 0x7FC0);
        assertThat(Floats.toBf16(Float.intBitsToFloat(0xFFFFFFFF))).isEqualTo((short) 0xFFFF);
    }

    /** Against the definition: no neighbour is nearer, and none as near unless ours is even. */
    @Test
    void roundsBf16AsDefined() {
        Random random = new Random(5);
        for (int i = 0; i < 20_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (!(Math.abs(value) < 0x1.FEp127f)) {
                continue;
            }
            short rounded = Floats.toBf16(value);
            BigDecimal error = error(value, rounded);
            for (int step : new int[] {-1, 1}) {
                short other = (short) (rounded + step);
                int order = Float.isFinite(Floats.fromBf16(other)) ? error.compareTo(error(value, other)) : -1;
                assertThat(order < 0 || (order == 0 && (rounded & 1) == 0))
                        .as("%s became %04x", Float.toHexString(value), rounded)
                        .isTrue();
            }
        }
    }

    private static BigDecimal error(float value, short bf16) {
        return new BigDecimal(value)
                .subtract(new BigDecimal(Floats.fromBf16(bf16)))
                .abs();
    }

    @Test
    void copiesMatricesAtAnyAlignment() {
        ByteBuffer f32 = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer f16 = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer bf16 = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = {0f, -1.5f, 2f, 65504f, 0x1p-14f, -0.25f};
        float[] inBf16 = {0f, -1.5f, 2f, 65536f, 0x1p-14f, -0.25f};
        for (float value : values) {
            f32.putFloat(value);
            f16.putShort(Floats.toF16(value));
            bf16.putShort(Floats.toBf16(value));
        }
        try (Arena arena = Arena.ofConfined()) {
            for (int shift = 0; shift < 4; shift++) {
                assertThat(Floats.toArray(matrix(arena, f32, shift, ElementType.F32)))
                        .containsExactly(values);
                assertThat(Floats.toArray(matrix(arena, f16, shift, ElementType.F16)))
                        .containsExactly(values);
                assertThat(Floats.toArray(matrix(arena, bf16, shift, ElementType.BF16)))
                        .containsExactly(inBf16);

                MemorySegment target = arena.allocate(40).asSlice(shift);
                Floats.copy(matrix(arena, f16, shift, ElementType.F16), target);
                assertThat(target.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4)).isEqualTo(-1.5f);
                assertThat(target.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 20)).isEqualTo(-0.25f);
                assertThat(target.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 24)).isZero();
            }
        }
    }

    private static Matrix matrix(Arena arena, ByteBuffer bytes, int shift, ElementType type) {
        MemorySegment data = arena.allocate(bytes.capacity() + shift, 16).asSlice(shift);
        data.copyFrom(MemorySegment.ofBuffer(bytes.duplicate().clear()));
        return new Matrix(data, type, 2, 3);
    }

    @Test
    void refusesOtherTypes() {
        Matrix integers = new Matrix(MemorySegment.ofArray(new byte[8]), ElementType.I32, 1, 2);

        assertThatThrownBy(() -> Floats.toArray(integers))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("I32")
                .hasMessageContaining("F32, F16 and BF16 are accepted");
    }

    @Test
    void refusesATargetThatIsTooSmall() {
        for (ElementType type : new ElementType[] {ElementType.F32, ElementType.F16, ElementType.BF16}) {
            Matrix matrix = new Matrix(MemorySegment.ofArray(new byte[2 * type.bytes()]), type, 1, 2);
            assertThatThrownBy(() -> Floats.copy(matrix, MemorySegment.ofArray(new float[1])))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}
