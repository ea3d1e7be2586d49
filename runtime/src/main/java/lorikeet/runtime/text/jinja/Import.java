package lorikeet.runtime.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns the caller's variables into the template's values; copies, so that nothing changes during a rendering. */
final class Import {
    private Import() {}

    static Object value(@Nullable Object value, Budget budget) {
        budget.spend(1);
        return switch (value) {
            case null -> None.NONE;
            case String s -> s;
            case Boolean b -> b;
            case Long n -> n;
            case Integer n -> (long) n;
            case Short n -> (long) n;
            case Byte n -> (long) n;
            case BigInteger n -> Numbers.narrow(n);
            case Double d -> d;
            case Float f -> Double.parseDouble(f.toString());
            case List<?> list -> list(list, budget);
            case Map<?, ?> map -> map(map, budget);
            default ->
                throw Failure.of("a variable of the type " + value.getClass().getName()
                        + "; accepted: null, booleans, numbers, strings, lists, maps");
        };
    }

    private static Object list(List<?> list, Budget budget) {
        budget.enter();
        List<Object> copy = new ArrayList<>(list.size());
        for (Object item : list) {
            copy.add(value(item, budget));
        }
        budget.leave();
        return copy;
    }

    private static Object map(Map<?, ?> map, Budget budget) {
        budget.enter();
        Map<Object, Object> copy = new LinkedHashMap<>();
        map.forEach((key, item) -> copy.put(Keys.in(copy, value(key, budget), budget), value(item, budget)));
        budget.leave();
        return copy;
    }
}
