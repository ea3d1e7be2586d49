package lorikeet.memory;

import java.util.Optional;

/**
 * How one element of a tensor is stored. The constants carry the names that the safetensors format uses; all types are
 * little-endian.
 */
public enum ElementType {
    BOOL(1),
    U8(1),
    I8(1),
    F8_E4M3(1),
    F8_E5M2(1),
    I16(2),
    U16(2),
    F16(2),
    BF16(2),
    I32(4),
    U32(4),
    F32(4),
    F64(8),
    I64(8),
    U64(8);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** The size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** True for the types that weights may have: F32, F16 and BF16. */
    public boolean isWeight() {
        return this == F32 || this == F16 || this == BF16;
    }

    /** The type with this safetensors name, if there is one. */
    public static Optional<ElementType> named(String name) {
        for (ElementType type : values()) {
            if (type.name().equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
