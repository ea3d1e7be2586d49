package lorikeet.runtime.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Looks up {@code value.name} and {@code value[key]}. */
final class Attributes {
    /** Methods that change their object, which the sandbox refuses. */
    private static final Set<String> CHANGING = Set.of(
            "append",
            "clear",
            "extend",
            "insert",
            "pop",
            "popitem",
            "remove",
            "reverse",
            "setdefault",
            "sort",
            "update");

    private final Budget budget;
    private final StringMethods strings;

    Attributes(Budget budget) {
        this.budget = budget;
        this.strings = new StringMethods(budget);
    }

    /** {@code value.name}: a method or field first, then an entry with that key. */
    Object attribute(Object value, String name) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        Object found = member(value, name);
        if (found == null && value instanceof Map<?, ?> map) {
            found = map.get(name);
        }
        return found == null ? Undefined.attribute(value, name) : found;
    }

    /** {@code value[key]}: an entry first, then, for a text, a method or field. */
    Object item(Object value, Object key) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        Object found = switch (value) {
            case Map<?, ?> map -> isHashable(key) ? map.get(Keys.in(map, key, budget)) : null;
            case List<?> list -> at(list, key);
            case Tuple tuple -> at(tuple.items(), key);
            case String text -> {
                budget.spend(text.length() / 16);
                yield character(text, key);
            }
            default -> null;
        };
        if (found == null && key instanceof String name) {
            found = member(value, name);
        }
        if (found != null) {
            return found;
        }
        return key instanceof String name
                ? Undefined.attribute(value, name)
                : new Undefined("'" + Types.name(value) + " object' has no such element");
    }

    private static boolean isHashable(Object key) {
        return key instanceof Range || !(key instanceof List<?> || key instanceof Map<?, ?>);
    }

    private static @Nullable Object at(List<?> items, Object key) {
        int index = index(key, items.size());
        return index < 0 ? null : items.get(index);
    }

    private static @Nullable Object character(String text, Object key) {
        int index = index(key, text.codePointCount(0, text.length()));
        return index < 0 ? null : Character.toString(text.codePointAt(text.offsetByCodePoints(0, index)));
    }

    /** The position that a key means, or -1. */
    private static int index(Object key, int size) {
        long index = switch (key) {
            case Long n -> n < 0 ? n + size : n;
            case Boolean b -> b ? 1 : 0;
            default -> -1;
        };
        return index >= 0 && index < size ? (int) index : -1;
    }

    private @Nullable Object member(Object value, String name) {
        if (name.startsWith("__")) {
            // Python's inner workings are out of a template's reach.
            return null;
        }
        return switch (value) {
            case String text -> strings.method(text, name);
            case Map<?, ?> map -> DictMethods.method(map, name, refused(value, name), budget);
            case List<?> list ->
                CHANGING.contains(name) && !(list instanceof Range)
                        ? refused(value, name)
                        : ListMethods.method(list, name, budget);
            case Tuple tuple -> {
                int index = tuple.names().indexOf(name);
                yield index >= 0 ? tuple.items().get(index) : ListMethods.method(tuple.items(), name, budget);
            }
            case Namespace namespace -> namespace.fields().get(name);
            case LoopState loop -> loop.attribute(name);
            case Cycler cycler -> cycler.attribute(name);
            case Macro macro -> name.equals("name") ? macro.name() : null;
            default -> null;
        };
    }

    private static Callable refused(Object value, String name) {
        return arguments -> {
            throw Failure.of("access to attribute '" + name + "' of '" + Types.name(value)
                    + "' object is unsafe: a template must not change its data");
        };
    }
}
