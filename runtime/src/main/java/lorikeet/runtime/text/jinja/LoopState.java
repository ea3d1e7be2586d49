package lorikeet.runtime.text.jinja;

import java.util.List;

/** The {@code loop} variable. */
final class LoopState implements Callable {
    private final List<Object> items;
    private final int depth;
    private final Callable again;
    private final Budget budget;
    private int index;
    private List<Object> lastSeen = List.of();

    /**
     * @param depth 1, or more inside a recursive loop's call of itself
     * @param again what calling the variable does
     */
    LoopState(List<Object> items, int depth, Callable again, Budget budget) {
        this.items = items;
        this.depth = depth;
        this.again = again;
        this.budget = budget;
    }

    void at(int index) {
        this.index = index;
    }

    @Override
    public Object call(Arguments arguments) {
        return again.call(arguments);
    }

    @Override
    public String toString() {
        return "<LoopContext " + (index + 1) + "/" + items.size() + ">";
    }

    Object attribute(String name) {
        int size = items.size();
        return switch (name) {
            case "index" -> (long) index + 1;
            case "index0" -> (long) index;
            case "revindex" -> (long) size - index;
            case "revindex0" -> (long) size - index - 1;
            case "first" -> index == 0;
            case "last" -> index == size - 1;
            case "length" -> (long) size;
            case "depth" -> (long) depth;
            case "depth0" -> (long) depth - 1;
            case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
            case "nextitem" -> index < size - 1 ? items.get(index + 1) : new Undefined("there is no next item");
            case "cycle" -> (Callable) this::cycle;
            case "changed" -> (Callable) this::changed;
            default -> Undefined.attribute(this, name);
        };
    }

    private Object cycle(Arguments arguments) {
        List<Object> values = arguments.positional();
        if (values.isEmpty()) {
            throw Failure.of("no items for cycling given");
        }
        return values.get(index % values.size());
    }

    private Object changed(Arguments arguments) {
        List<Object> values = arguments.positional();
        boolean changed = !Comparing.equal(values, lastSeen, budget) || lastSeen.isEmpty();
        lastSeen = values;
        return changed;
    }
}
