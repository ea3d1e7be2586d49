package lorikeet.runtime.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Python's types as Java objects: {@link None}, {@code Boolean}, {@code Long} and {@code BigInteger}, {@code Double},
 * {@code String}, {@code List}, {@link Tuple}, {@code Map}, and the few others of this package.
 */
final class Types {
    private Types() {}

    /** The name that Python has for a value's type. */
    static String name(Object value) {
        return switch (value) {
            case None n -> "NoneType";
            case Boolean b -> "bool";
            case Long n -> "int";
            case BigInteger n -> "int";
            case Double d -> "float";
            case String s -> "str";
            case Range r -> "range";
            case List<?> l -> "list";
            case Tuple t -> "tuple";
            case Map<?, ?> m -> "dict";
            case View v -> v.type();
            case Generator g -> "generator";
            case Namespace n -> "Namespace";
            case Undefined u -> "Undefined";
            case LoopState l -> "LoopContext";
            case Macro m -> "Macro";
            case Cycler c -> "Cycler";
            case Joiner j -> "Joiner";
            default -> "builtin_function_or_method";
        };
    }

    static boolean truth(Object value) {
        return switch (value) {
            case None n -> false;
            case Undefined u -> false;
            case Boolean b -> b;
            case Long n -> n != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case List<?> l -> !l.isEmpty();
            case Tuple t -> !t.items().isEmpty();
            case Map<?, ?> m -> !m.isEmpty();
            case View v -> !v.items().isEmpty();
            default -> true;
        };
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
    }

    static boolean isNumber(Object value) {
        return isInteger(value) || value instanceof Double;
    }

    /** An integer that fits a Java long; others are refused. */
    static long integer(Object value) {
        return switch (value) {
            case Long n -> n;
            case Boolean b -> b ? 1 : 0;
            case Undefined u -> throw u.failure();
            default -> throw Failure.of("expected an integer, found " + name(value));
        };
    }

    static String text(Object value, String where) {
        return switch (value) {
            case String s -> s;
            case Undefined u -> throw u.failure();
            default -> throw Failure.of(where + "() takes text, found " + name(value));
        };
    }

    /** What a loop over the value goes through; paid for as if all of it were copied, which most callers do. */
    static List<Object> iterate(Object value, Budget budget) {
        return switch (value) {
            case Undefined u -> List.of();
            case String s -> {
                budget.characters(s.length());
                yield characters(s);
            }
            case List<?> l -> {
                budget.elements(l.size());
                yield unchecked(l);
            }
            case Tuple t -> {
                budget.elements(t.items().size());
                yield t.items();
            }
            case Map<?, ?> m -> {
                budget.elements(m.size());
                yield new ArrayList<>(m.keySet());
            }
            case View v -> v.items();
            case Generator g -> g.drain();
            default -> throw Failure.of("'" + name(value) + "' object is not iterable");
        };
    }

    static boolean isIterable(Object value) {
        return switch (value) {
            case Undefined u -> true;
            case String s -> true;
            case List<?> l -> true;
            case Tuple t -> true;
            case Map<?, ?> m -> true;
            case View v -> true;
            case Generator g -> true;
            default -> false;
        };
    }

    /** {@code len(value)}. */
    static long length(Object value) {
        return switch (value) {
            case Undefined u -> 0;
            case String s -> s.codePointCount(0, s.length());
            case List<?> l -> l.size();
            case Tuple t -> t.items().size();
            case Map<?, ?> m -> m.size();
            case View v -> v.items().size();
            default -> throw Failure.of("object of type '" + name(value) + "' has no len()");
        };
    }

    private static List<Object> characters(String text) {
        List<Object> characters = new ArrayList<>(text.length());
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        return characters;
    }

    @SuppressWarnings("unchecked")
    static List<Object> unchecked(List<?> list) {
        return (List<Object>) list;
    }

    @SuppressWarnings("unchecked")
    static Map<Object, Object> unchecked(Map<?, ?> map) {
        return (Map<Object, Object>) map;
    }
}
