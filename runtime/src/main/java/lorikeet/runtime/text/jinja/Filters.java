package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What stands behind a bar. Those on sequences and on text have classes of their own. */
final class Filters {
    static final Set<String> NAMES = Set.of(
            "abs",
            "attr",
            "batch",
            "capitalize",
            "center",
            "count",
            "d",
            "default",
            "dictsort",
            "e",
            "escape",
            "first",
            "float",
            "forceescape",
            "format",
            "groupby",
            "indent",
            "int",
            "items",
            "join",
            "last",
            "length",
            "list",
            "lower",
            "map",
            "max",
            "min",
            "reject",
            "rejectattr",
            "replace",
            "reverse",
            "round",
            "safe",
            "select",
            "selectattr",
            "slice",
            "sort",
            "string",
            "striptags",
            "sum",
            "title",
            "tojson",
            "trim",
            "truncate",
            "unique",
            "upper",
            "urlencode",
            "wordcount");

    private static final Set<String> NUMERIC = Set.of("abs", "float", "int", "round");

    /** What a conversion or rounding of a number costs: about a microsecond at worst. */
    private static final int DEAR = 100;

    private final Budget budget;
    private final Attributes attributes;
    private final Tests tests;
    private final TextFilters texts;
    private final SequenceFilters sequences;

    Filters(Budget budget, Attributes attributes, Tests tests) {
        this.budget = budget;
        this.attributes = attributes;
        this.tests = tests;
        this.texts = new TextFilters(budget);
        this.sequences = new SequenceFilters(budget, attributes);
    }

    Object apply(String name, Object value, Arguments arguments) {
        if (NUMERIC.contains(name)) {
            budget.spend(DEAR);
        }
        Object result = switch (name) {
            case "default", "d" -> {
                Arguments.Bound bound = arguments.bind(name, "default_value", "boolean");
                boolean missing = value instanceof Undefined || (bound.truth(1, false) && !Types.truth(value));
                yield missing ? bound.get(0, "") : value;
            }
            case "tojson" -> Json.text(value, arguments, budget);
            case "abs" -> NumberFilters.absolute(value);
            case "int" -> NumberFilters.integer(value, arguments.bind(name, "default", "base"));
            case "float" -> NumberFilters.decimal(value, arguments.bind(name, "default"));
            case "round" -> NumberFilters.round(value, arguments.bind(name, "precision", "method"));
            case "attr" -> attr(value, arguments.bind(name, "name").text(0));
            case "map" -> new Generator(map(items(value), arguments));
            case "select", "reject" -> new Generator(select(items(value), arguments, name.equals("select")));
            case "selectattr", "rejectattr" ->
                new Generator(selectAttribute(items(value), arguments, name.equals("selectattr")));
            default -> {
                Object found = texts.apply(name, value, arguments);
                if (found == null) {
                    found = sequences.apply(name, value, arguments);
                }
                if (found == null) {
                    throw Failure.of("no filter named '" + name + "'");
                }
                yield found;
            }
        };
        if (result instanceof String text) {
            budget.produced(text);
        }
        return result;
    }

    /** The items to map or to select from: none of what is false, even if it can't be gone through. */
    private List<Object> items(Object value) {
        return Types.truth(value) ? Types.iterate(value, budget) : List.of();
    }

    /** An attribute and never an entry. */
    private Object attr(Object value, String name) {
        if (value instanceof Map<?, ?> map) {
            Object found = attributes.attribute(Map.of(), name);
            return found instanceof Undefined ? Undefined.attribute(map, name) : attributes.attribute(map, name);
        }
        return attributes.attribute(value, name);
    }

    private List<Object> map(List<Object> items, Arguments arguments) {
        List<Object> mapped = new ArrayList<>(items.size());
        if (arguments.positional().isEmpty()) {
            Arguments.Bound bound = arguments.bind("map", "attribute", "default");
            AttributePath path = AttributePath.of(bound.get(0), budget);
            for (Object item : items) {
                budget.spend(1);
                Object found = path.get(item, attributes);
                mapped.add(found instanceof Undefined && bound.has(1) ? bound.get(1) : found);
            }
            return mapped;
        }
        String name = Types.text(arguments.positional().getFirst(), "map");
        Arguments rest = rest(arguments, 1);
        for (Object item : items) {
            budget.spend(1);
            mapped.add(apply(name, item, rest));
        }
        return mapped;
    }

    private List<Object> select(List<Object> items, Arguments arguments, boolean wanted) {
        List<Object> selected = new ArrayList<>();
        for (Object item : items) {
            budget.spend(1);
            if (tests.holds(arguments.positional(), arguments.named(), item) == wanted) {
                selected.add(item);
            }
        }
        return selected;
    }

    private List<Object> selectAttribute(List<Object> items, Arguments arguments, boolean wanted) {
        if (arguments.positional().isEmpty()) {
            throw Failure.of("selectattr needs the name of an attribute");
        }
        AttributePath path = AttributePath.of(arguments.positional().getFirst(), budget);
        Arguments rest = rest(arguments, 1);
        List<Object> selected = new ArrayList<>();
        for (Object item : items) {
            budget.spend(1);
            if (tests.holds(rest.positional(), rest.named(), path.get(item, attributes)) == wanted) {
                selected.add(item);
            }
        }
        return selected;
    }

    private static Arguments rest(Arguments arguments, int from) {
        return new Arguments(
                arguments.positional().subList(from, arguments.positional().size()), arguments.named());
    }
}
