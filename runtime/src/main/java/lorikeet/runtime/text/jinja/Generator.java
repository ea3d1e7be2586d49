package lorikeet.runtime.text.jinja;

import java.util.List;

/** What lazy filters such as {@code map} give: it can be gone through once. */
final class Generator {
    private List<Object> items;

    Generator(List<Object> items) {
        this.items = items;
    }

    /** The items, the first time; then none. */
    List<Object> drain() {
        List<Object> all = items;
        items = List.of();
        return all;
    }

    /** Takes the first item, if there is one. */
    Object next(Object otherwise) {
        if (items.isEmpty()) {
            return otherwise;
        }
        Object first = items.getFirst();
        items = items.subList(1, items.size());
        return first;
    }
}
