package lorikeet.runtime.text.jinja;

import java.util.List;
import java.util.Map;

/** Keys of dictionaries. */
final class Keys {
    private Keys() {}

    /**
     * The value as a key. Integral floats become integers, which are the same key in Python; true and false stay apart
     * from 1 and 0, which are the same too but print differently.
     */
    static Object key(Object value) {
        return switch (value) {
            case Range r -> r;
            case List<?> l -> throw unhashable(value);
            case Map<?, ?> m -> throw unhashable(value);
            case Double d -> d == Math.rint(d) && Math.abs(d) < 1L << 53 ? (Object) (long) (double) d : d;
            default -> value;
        };
    }

    private static Failure unhashable(Object value) {
        return Failure.of("unhashable type: '" + Types.name(value) + "'");
    }
}
