package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of lists and tuples that change nothing. */
final class ListMethods {
    private ListMethods() {}

    static @Nullable Callable method(List<?> items, String name, Budget budget) {
        return switch (name) {
            case "count" ->
                arguments -> {
                    Object value = arguments.bind("count", "value").get(0);
                    return items.stream()
                            .filter(item -> Comparing.equal(item, value, budget))
                            .count();
                };
            case "index" ->
                arguments -> {
                    Object value = arguments.bind("index", "value").get(0);
                    for (int i = 0; i < items.size(); i++) {
                        if (Comparing.equal(items.get(i), value, budget)) {
                            return (long) i;
                        }
                    }
                    throw Failure.of("the value is not in the list");
                };
            case "copy" ->
                arguments -> {
                    budget.elements(items.size());
                    return new ArrayList<Object>(items);
                };
            default -> null;
        };
    }
}
