package lorikeet.runtime.text.jinja;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template can call. */
final class Globals {
    private Globals() {}

    static Scope scope(Budget budget, Clock clock) {
        Scope globals = new Scope(null);
        globals.set("range", (Callable) arguments -> range(arguments, budget));
        globals.set("dict", (Callable) arguments -> filled(arguments, "dict", budget));
        globals.set("namespace", (Callable) arguments -> namespace(arguments, budget));
        globals.set("cycler", (Callable) arguments -> new Cycler(arguments.positional()));
        globals.set("joiner", (Callable)
                arguments -> new Joiner(arguments.bind("joiner", "sep").get(0, ", ")));
        globals.set("raise_exception", (Callable) arguments -> {
            Object message = arguments.bind("raise_exception", "message").get(0);
            throw new Failure(TemplateException.Kind.RAISED, Printing.str(message, budget));
        });
        globals.set("strftime_now", (Callable) arguments -> {
            String format =
                    budget.produced(arguments.bind("strftime_now", "format").text(0));
            return budget.produced(Strftime.format(format, ZonedDateTime.now(clock)));
        });
        return globals;
    }

    private static Object range(Arguments arguments, Budget budget) {
        Arguments.Bound bound = arguments.bind("range", "start", "stop", "step");
        Range range = bound.has(1)
                ? new Range(bound.integer(0), bound.integer(1), bound.integer(2, 1))
                : new Range(0, bound.integer(0), 1);
        budget.spend(range.size());
        return range;
    }

    private static Object namespace(Arguments arguments, Budget budget) {
        Map<String, Object> fields = new LinkedHashMap<>();
        filled(arguments, "namespace", budget)
                .forEach((name, value) -> fields.put(Types.text(name, "namespace"), value));
        return new Namespace(fields);
    }

    /** A copy of a dictionary or of pairs, and named values after it. */
    private static Map<Object, Object> filled(Arguments arguments, String function, Budget budget) {
        Map<Object, Object> map = new LinkedHashMap<>();
        if (!arguments.positional().isEmpty()) {
            Object first = new Arguments(arguments.positional(), Map.of())
                    .bind(function, "values")
                    .get(0);
            if (first instanceof Map<?, ?> other) {
                budget.characters(other.size());
                map.putAll(other);
            } else {
                for (Object item : Types.iterate(first, budget)) {
                    List<Object> pair = Types.iterate(item, budget);
                    if (pair.size() != 2) {
                        throw Failure.of(function + "() takes pairs, found " + pair.size() + " values");
                    }
                    map.put(Keys.in(map, pair.get(0), budget), pair.get(1));
                }
            }
        }
        map.putAll(arguments.named());
        return map;
    }
}
