package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The filters on lists and other things that can be gone through. */
final class SequenceFilters {
    private final Budget budget;
    private final Attributes attributes;

    SequenceFilters(Budget budget, Attributes attributes) {
        this.budget = budget;
        this.attributes = attributes;
    }

    /** The filtered value; null if there is no filter of this name here. */
    @Nullable
    Object apply(String name, Object value, Arguments arguments) {
        return switch (name) {
            case "length", "count" -> {
                arguments.bind(name);
                if (value instanceof String text) {
                    budget.spend(text.length() / 16);
                }
                yield Types.length(value);
            }
            case "list" -> new ArrayList<>(paid(value));
            case "first" -> {
                Object empty = new Undefined("No first item, sequence was empty.");
                if (value instanceof Generator generator) {
                    yield generator.next(empty);
                }
                List<Object> items = paid(value);
                yield items.isEmpty() ? empty : items.getFirst();
            }
            case "last" -> {
                if (value instanceof Generator) {
                    throw Failure.of("'generator' object is not reversible");
                }
                List<Object> items = paid(value);
                yield items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
            }
            case "reverse" -> reverse(value);
            case "join" -> join(paid(value), arguments.bind(name, "d", "attribute"));
            case "items" -> items(value);
            case "dictsort" -> dictSort(value, arguments.bind(name, "case_sensitive", "by", "reverse"));
            case "sort" -> sort(paid(value), arguments.bind(name, "reverse", "case_sensitive", "attribute"));
            case "unique" -> unique(paid(value), arguments.bind(name, "case_sensitive", "attribute"));
            case "groupby" -> groupBy(paid(value), arguments.bind(name, "attribute", "default", "case_sensitive"));
            case "min", "max" -> extreme(name, paid(value), arguments.bind(name, "case_sensitive", "attribute"));
            case "sum" -> sum(paid(value), arguments.bind(name, "attribute", "start"));
            case "batch" -> batch(paid(value), arguments.bind(name, "linecount", "fill_with"));
            case "slice" -> slice(paid(value), arguments.bind(name, "slices", "fill_with"));
            default -> null;
        };
    }

    private List<Object> paid(Object value) {
        return Types.iterate(value, budget);
    }

    private Object reverse(Object value) {
        if (value instanceof String text) {
            return new StringBuilder(text).reverse().toString();
        }
        List<Object> reversed = new ArrayList<>(paid(value));
        Collections.reverse(reversed);
        return new Generator(reversed);
    }

    private Object join(List<Object> items, Arguments.Bound bound) {
        String separator = Printing.str(bound.get(0, ""), budget);
        UnaryOperator<Object> attribute = attribute(bound.get(1, None.NONE), false);
        StringBuilder out = new StringBuilder();
        String before = "";
        for (Object item : items) {
            String piece = Printing.str(attribute.apply(item), budget);
            budget.spend((long) before.length() + piece.length());
            budget.checkLength((long) out.length() + before.length() + piece.length());
            out.append(before).append(piece);
            before = separator;
        }
        return out.toString();
    }

    private Object items(Object value) {
        return switch (value) {
            case Undefined u -> new Generator(List.of());
            case Map<?, ?> map -> new Generator(DictMethods.items(map, budget));
            default -> throw Failure.of("Can only get item pairs from a mapping.");
        };
    }

    /** What a filter's {@code attribute} takes from an item, in small letters unless case counts. */
    private UnaryOperator<Object> attribute(Object attribute, boolean ignoreCase) {
        UnaryOperator<Object> get = UnaryOperator.identity();
        if (attribute != None.NONE) {
            AttributePath path = AttributePath.of(attribute, budget);
            get = item -> path.get(item, attributes);
        }
        UnaryOperator<Object> found = get;
        return ignoreCase ? item -> folded(found.apply(item)) : found;
    }

    private static Object folded(Object value) {
        return value instanceof String text ? Text.lower(text) : value;
    }

    private Object dictSort(Object value, Arguments.Bound bound) {
        if (!(value instanceof Map<?, ?> map)) {
            throw Failure.of("dictsort takes a mapping, found " + Types.name(value));
        }
        String by = bound.text(1, "key");
        if (!by.equals("key") && !by.equals("value")) {
            throw Failure.of("You can only sort by either \"key\" or \"value\"");
        }
        boolean caseCounts = bound.truth(0, false);
        int position = by.equals("key") ? 0 : 1;
        return sorted(
                DictMethods.items(map, budget),
                item -> {
                    Object key = ((Tuple) item).items().get(position);
                    return caseCounts ? key : folded(key);
                },
                bound.truth(2, false));
    }

    private Object sort(List<Object> items, Arguments.Bound bound) {
        boolean ignoreCase = !bound.truth(1, false);
        Object attribute = bound.get(2, None.NONE);
        // A list even of one value, as in Jinja: two undefined values are equal in lists, but have no order by
        // themselves.
        List<Object> names = attribute instanceof String text ? Text.split(text, ",", -1, budget) : List.of(attribute);
        List<UnaryOperator<Object>> keys = new ArrayList<>();
        for (Object name : names) {
            keys.add(attribute(name, ignoreCase));
        }
        UnaryOperator<Object> key = item -> {
            List<Object> values = new ArrayList<>(keys.size());
            keys.forEach(get -> values.add(get.apply(item)));
            return values;
        };
        return sorted(items, key, bound.truth(0, false));
    }

    private List<Object> sorted(List<Object> items, UnaryOperator<Object> key, boolean reverse) {
        record Keyed(Object key, Object item) {}

        List<Keyed> keyed = new ArrayList<>(items.size());
        for (Object item : items) {
            keyed.add(new Keyed(key.apply(item), item));
        }
        Comparator<Keyed> order = (a, b) -> {
            budget.spend(1);
            return Comparing.compare(a.key(), b.key(), budget);
        };
        try {
            keyed.sort(reverse ? order.reversed() : order);
        } catch (IllegalArgumentException e) {
            throw Failure.of("the values have no order");
        }
        List<Object> sorted = new ArrayList<>(items.size());
        keyed.forEach(entry -> sorted.add(entry.item()));
        return sorted;
    }

    private Object unique(List<Object> items, Arguments.Bound bound) {
        UnaryOperator<Object> key = attribute(bound.get(1, None.NONE), !bound.truth(0, false));
        Set<Object> seen = new HashSet<>();
        List<Object> unique = new ArrayList<>();
        for (Object item : items) {
            if (seen.add(Keys.canonical(key.apply(item), budget))) {
                unique.add(item);
            }
        }
        return new Generator(unique);
    }

    private Object groupBy(List<Object> items, Arguments.Bound bound) {
        UnaryOperator<Object> exact = attribute(bound.get(0), false);
        UnaryOperator<Object> get = bound.has(1)
                ? item -> exact.apply(item) instanceof Undefined ? bound.get(1) : exact.apply(item)
                : exact;
        boolean caseCounts = bound.truth(2, false);
        UnaryOperator<Object> key = caseCounts ? get : item -> folded(get.apply(item));
        List<Object> groups = new ArrayList<>();
        List<Object> group = List.of();
        Object current = None.NONE;
        for (Object item : sorted(items, key, false)) {
            Object next = key.apply(item);
            if (group.isEmpty() || !Comparing.equal(next, current, budget)) {
                group = new ArrayList<>();
                current = next;
                groups.add(new Tuple(List.of(get.apply(item), group), List.of("grouper", "list")));
            }
            group.add(item);
        }
        return groups;
    }

    private Object extreme(String name, List<Object> items, Arguments.Bound bound) {
        if (items.isEmpty()) {
            return new Undefined("No aggregated item, sequence was empty.");
        }
        UnaryOperator<Object> key = attribute(bound.get(1, None.NONE), !bound.truth(0, false));
        Object best = items.getFirst();
        for (Object item : items.subList(1, items.size())) {
            int order = Comparing.compare(key.apply(item), key.apply(best), budget);
            if (name.equals("min") ? order < 0 : order > 0) {
                best = item;
            }
        }
        return best;
    }

    private Object sum(List<Object> items, Arguments.Bound bound) {
        UnaryOperator<Object> key = attribute(bound.get(0, None.NONE), false);
        Operators operators = new Operators(budget);
        Object sum = bound.get(1, 0L);
        if (sum instanceof String) {
            throw Failure.of("sum() can't sum strings");
        }
        for (Object item : items) {
            sum = operators.binary(Expr.Binary.Operator.ADD, sum, key.apply(item));
        }
        return sum;
    }

    private Object batch(List<Object> items, Arguments.Bound bound) {
        int size = Math.clamp(bound.integer(0), 1, Integer.MAX_VALUE);
        Object fill = bound.get(1, None.NONE);
        List<Object> batches = new ArrayList<>();
        for (long from = 0; from < items.size(); from += size) {
            List<Object> batch = new ArrayList<>(items.subList((int) from, (int) Math.min(items.size(), from + size)));
            if (fill != None.NONE) {
                budget.spend(size);
                while (batch.size() < size) {
                    batch.add(fill);
                }
            }
            batches.add(batch);
        }
        return new Generator(batches);
    }

    private Object slice(List<Object> items, Arguments.Bound bound) {
        long count = bound.integer(0);
        if (count <= 0) {
            throw Failure.of("slice needs a positive number of slices");
        }
        budget.spend(count);
        Object fill = bound.get(1, None.NONE);
        long size = items.size() / count;
        long longer = items.size() % count;
        List<Object> slices = new ArrayList<>();
        int from = 0;
        for (long i = 0; i < count; i++) {
            int to = (int) (from + size + (i < longer ? 1 : 0));
            List<Object> slice = new ArrayList<>(items.subList(from, to));
            if (fill != None.NONE && i >= longer && longer > 0) {
                slice.add(fill);
            }
            slices.add(slice);
            from = to;
        }
        return new Generator(slices);
    }
}
