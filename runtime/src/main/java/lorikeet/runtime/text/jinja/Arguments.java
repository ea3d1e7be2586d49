package lorikeet.runtime.text.jinja;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The arguments of a call. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(List<Object> positional) {
        return new Arguments(positional, Map.of());
    }

    /** The values of these parameters; null where the call gives none. Refuses any other argument. */
    Bound bind(String function, String... parameters) {
        if (positional.size() > parameters.length) {
            throw Failure.of(
                    function + "() takes at most " + parameters.length + " arguments, " + positional.size() + " given");
        }
        @Nullable Object[] values = new @Nullable Object[parameters.length];
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        Map<String, Object> left = new LinkedHashMap<>(named);
        for (int i = 0; i < parameters.length; i++) {
            Object value = left.remove(parameters[i]);
            if (value != null) {
                if (values[i] != null) {
                    throw Failure.of(function + "() got two values for '" + parameters[i] + "'");
                }
                values[i] = value;
            }
        }
        if (!left.isEmpty()) {
            throw Failure.of(function + "() has no parameter '"
                    + left.keySet().iterator().next() + "'");
        }
        return new Bound(function, List.of(parameters), Arrays.asList(values));
    }

    /** Arguments in the order of the parameters. */
    record Bound(String function, List<String> parameters, List<@Nullable Object> values) {
        boolean has(int i) {
            return values.get(i) != null;
        }

        Object get(int i) {
            Object value = values.get(i);
            if (value == null) {
                throw Failure.of(function + "() misses the argument '" + parameters.get(i) + "'");
            }
            return value;
        }

        Object get(int i, Object otherwise) {
            Object value = values.get(i);
            return value == null ? otherwise : value;
        }

        String text(int i) {
            return Types.text(get(i), function);
        }

        String text(int i, String otherwise) {
            return has(i) ? text(i) : otherwise;
        }

        long integer(int i) {
            return Types.integer(get(i));
        }

        long integer(int i, long otherwise) {
            return has(i) ? integer(i) : otherwise;
        }

        boolean truth(int i, boolean otherwise) {
            return has(i) ? Types.truth(get(i)) : otherwise;
        }
    }
}
