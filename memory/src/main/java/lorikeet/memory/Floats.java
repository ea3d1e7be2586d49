package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Conversions between float and the two 16-bit types of weights: IEEE 754 binary16 (F16) and the upper half of a float
 * (BF16). All are exact or round to the nearest value, ties to even.
 */
public final class Floats {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Floats() {}

    /** The value of BF16 bits; exact. */
    public static float fromBf16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest BF16; NaN stays NaN, with its sign, and what is too large becomes infinite. */
    public static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            // Dropping the lower half could leave an infinity, so set the bit that makes a NaN a quiet one.
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    /** The value of F16 bits; exact. */
    public static float fromF16(short bits) {
        return Float.float16ToFloat(bits);
    }

    /** The nearest F16; NaN stays NaN, and what is too large becomes infinite. */
    public static short toF16(float value) {
        return Float.floatToFloat16(value);
    }

    /**
     * Copies a matrix of weights as floats. A convenience for small ones, such as norms and biases: a plain loop.
     *
     * @param from of type F32, F16 or BF16, at any alignment
     * @param to at least {@code rows * cols} floats in native byte order, at any alignment; row-major
     * @throws IllegalArgumentException if {@code from} has another type
     * @throws IndexOutOfBoundsException if {@code to} is too small
     */
    public static void copy(Matrix from, MemorySegment to) {
        MemorySegment data = from.data();
        long n = (long) from.rows() * from.cols();
        switch (from.type()) {
            case F32 -> MemorySegment.copy(data, FLOAT, 0, to, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, n);
            case BF16 -> {
                for (long i = 0; i < n; i++) {
                    to.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * 4, fromBf16(data.get(SHORT, i * 2)));
                }
            }
            case F16 -> {
                for (long i = 0; i < n; i++) {
                    to.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * 4, fromF16(data.get(SHORT, i * 2)));
                }
            }
            default ->
                throw new IllegalArgumentException("a matrix of " + from.type() + "; F32, F16 and BF16 are accepted");
        }
    }

    /**
     * The elements of a matrix of weights, row by row, in a new array; see {@link #copy}.
     *
     * @throws IllegalArgumentException if {@code from} has another type than F32, F16 or BF16, or more elements than an
     *     array can have
     */
    public static float[] toArray(Matrix from) {
        long n = (long) from.rows() * from.cols();
        if (n > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(n + " elements are too many for an array");
        }
        float[] floats = new float[(int) n];
        copy(from, MemorySegment.ofArray(floats));
        return floats;
    }
}
