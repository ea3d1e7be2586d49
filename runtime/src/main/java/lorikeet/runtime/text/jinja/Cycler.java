package lorikeet.runtime.text.jinja;

import java.util.List;

/** What {@code cycler(...)} gives: values that come round again and again. */
final class Cycler {
    private final List<Object> values;
    private int at;

    Cycler(List<Object> values) {
        if (values.isEmpty()) {
            throw Failure.of("at least one item has to be provided");
        }
        this.values = values;
    }

    Object attribute(String name) {
        return switch (name) {
            case "current" -> values.get(at);
            case "next" -> (Callable) this::next;
            case "reset" -> (Callable) this::reset;
            default -> Undefined.attribute(this, name);
        };
    }

    private Object next(Arguments arguments) {
        arguments.bind("next");
        Object current = values.get(at);
        at = (at + 1) % values.size();
        return current;
    }

    private Object reset(Arguments arguments) {
        arguments.bind("reset");
        at = 0;
        return None.NONE;
    }
}
