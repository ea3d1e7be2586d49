package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/** Reads single elements of weights as floats. */
final class Element {
    static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Element() {}

    /** Element {@code (row, col)} of a weight. */
    static float get(Matrix matrix, int row, int col) {
        return get(
                matrix.data(),
                matrix.type(),
                row * matrix.rowBytes() + (long) col * matrix.type().bytes());
    }

    /** The element at byte {@code at}. */
    static float get(MemorySegment data, ElementType type, long at) {
        return switch (type) {
            case F32 -> data.get(FLOAT, at);
            case F16 -> Float.float16ToFloat(data.get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(data.get(SHORT, at) << 16);
            default -> throw new IllegalArgumentException("weights of type " + type + "; F32, F16 and BF16 are known");
        };
    }
}
