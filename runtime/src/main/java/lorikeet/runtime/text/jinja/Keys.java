package lorikeet.runtime.text.jinja;

import java.util.List;
import java.util.Map;

/**
 * Keys of dictionaries. In Python 1, 1.0 and True are the same key, but a dictionary prints the one that it got first: so
 * a map here holds keys as given, and is asked with {@link #in}.
 */
final class Keys {
    private Keys() {}

    /** The key under which a map holds this value, or the value itself if it doesn't. */
    static Object in(Map<?, ?> map, Object value, Budget budget) {
        checkHashable(value, budget);
        if (!map.containsKey(value) && Types.isNumber(value)) {
            for (Object twin : twins(canonical(value, budget))) {
                if (map.containsKey(twin)) {
                    return twin;
                }
            }
        }
        return value;
    }

    /** The value in a form in which equal numbers are equal objects, for use in sets. */
    static Object canonical(Object value, Budget budget) {
        checkHashable(value, budget);
        return switch (value) {
            case Boolean b -> b ? 1L : 0L;
            case Double d -> d == Math.rint(d) && Math.abs(d) < 1L << 53 ? (Object) (long) (double) d : d;
            default -> value;
        };
    }

    /** The other forms of a number in its canonical one. */
    private static List<Object> twins(Object number) {
        if (!(number instanceof Long n) || Math.abs(n) >= 1L << 53) {
            return List.of();
        }
        return n == 0 ? List.of(n, 0.0, -0.0, false) : n == 1 ? List.of(n, 1.0, true) : List.of(n, (double) n);
    }

    /** Pays for every part of a tuple: the parts of one may be shared, and hashing goes through them each time. */
    private static void checkHashable(Object value, Budget budget) {
        budget.spend(1);
        if (value instanceof Map<?, ?> || (value instanceof List<?> && !(value instanceof Range))) {
            throw Failure.of("unhashable type: '" + Types.name(value) + "'");
        }
        if (value instanceof Tuple tuple) {
            tuple.items().forEach(item -> checkHashable(item, budget));
        }
    }
}
