package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The methods of a dictionary. */
final class DictMethods {
    private DictMethods() {}

    /** The method of this name, or null; {@code refused} stands for those that change the dictionary. */
    static @Nullable Callable method(Map<?, ?> map, String name, Callable refused, Budget budget) {
        return switch (name) {
            case "items" -> arguments -> new View("dict_items", items(map, arguments, budget));
            case "keys" ->
                arguments -> {
                    arguments.bind("keys");
                    budget.elements(map.size());
                    return new View("dict_keys", new ArrayList<>(map.keySet()));
                };
            case "values" ->
                arguments -> {
                    arguments.bind("values");
                    budget.elements(map.size());
                    return new View("dict_values", new ArrayList<>(map.values()));
                };
            case "get" ->
                arguments -> {
                    Arguments.Bound bound = arguments.bind("get", "key", "default");
                    Object found = map.get(Keys.in(map, bound.get(0), budget));
                    return found == null ? bound.get(1, None.NONE) : found;
                };
            case "copy" ->
                arguments -> {
                    budget.characters(map.size());
                    return new LinkedHashMap<Object, Object>(map);
                };
            case "clear", "pop", "popitem", "setdefault", "update" -> refused;
            default -> null;
        };
    }

    private static List<Object> items(Map<?, ?> map, Arguments arguments, Budget budget) {
        arguments.bind("items");
        return items(map, budget);
    }

    static List<Object> items(Map<?, ?> map, Budget budget) {
        budget.characters(map.size());
        List<Object> items = new ArrayList<>(map.size());
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }
}
