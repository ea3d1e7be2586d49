package lorikeet.runtime.text.jinja;

import java.util.List;

/** Python's tuple; {@code names}, if not empty, name its items. */
record Tuple(List<Object> items, List<String> names) {
    static Tuple of(List<Object> items) {
        return new Tuple(items, List.of());
    }

    static Tuple of(Object first, Object second) {
        return of(List.of(first, second));
    }
}
