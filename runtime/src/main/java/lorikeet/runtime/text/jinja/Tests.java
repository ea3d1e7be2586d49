package lorikeet.runtime.text.jinja;

import java.util.List;
import java.util.Map;

/** What {@code is} can test. */
final class Tests {
    private final Budget budget;

    Tests(Budget budget) {
        this.budget = budget;
    }

    boolean holds(String name, Object value, Arguments arguments) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == None.NONE;
            case "boolean" -> value instanceof Boolean;
            case "true" -> value.equals(true);
            case "false" -> value.equals(false);
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map<?, ?>;
            case "iterable" -> Types.isIterable(value);
            case "sequence" -> Types.isIterable(value) && !(value instanceof View) && !(value instanceof Generator);
            case "number" -> Types.isNumber(value);
            case "integer" -> Types.isInteger(value) && !(value instanceof Boolean);
            case "float" -> value instanceof Double;
            // Jinja's undefined defines __call__, if only to fail.
            case "callable" -> value instanceof Callable || value instanceof Undefined;
            case "odd" -> leaves(1, value, 2L);
            case "even" -> leaves(0, value, 2L);
            case "divisibleby" -> leaves(0, value, argument(name, arguments));
            case "lower" -> Text.isAll(Printing.str(value, budget), Character::isLowerCase);
            case "upper" -> Text.isAll(Printing.str(value, budget), Character::isUpperCase);
            case "sameas" -> same(value, argument(name, arguments));
            case "in" -> Comparing.contains(argument(name, arguments), value, budget);
            case "eq", "equalto", "==" -> Comparing.equal(value, argument(name, arguments), budget);
            case "ne", "!=" -> !Comparing.equal(value, argument(name, arguments), budget);
            case "lt", "lessthan", "<" -> Comparing.holds("<", value, argument(name, arguments), budget);
            case "le", "<=" -> Comparing.holds("<=", value, argument(name, arguments), budget);
            case "gt", "greaterthan", ">" -> Comparing.holds(">", value, argument(name, arguments), budget);
            case "ge", ">=" -> Comparing.holds(">=", value, argument(name, arguments), budget);
            case "filter" -> value instanceof String s && Filters.NAMES.contains(s);
            default -> throw Failure.of("no test named '" + name + "'");
        };
    }

    private static Object argument(String test, Arguments arguments) {
        return arguments.bind(test, "other").get(0);
    }

    /** Whether {@code value % divisor} is this number; a text's is a text and never a number. */
    private boolean leaves(long remainder, Object value, Object divisor) {
        return Comparing.equal(
                new Operators(budget).binary(Expr.Binary.Operator.MODULO, value, divisor), remainder, budget);
    }

    @SuppressWarnings("ReferenceEquality") // Identity is what the test asks for.
    private static boolean same(Object a, Object b) {
        boolean byValue = a instanceof None || a instanceof Boolean || a instanceof Long || a instanceof String;
        return byValue
                ? a.equals(b)
                : a == b || (a instanceof Tuple t && t.items().isEmpty() && t.equals(b));
    }

    /** For {@code select} and its kin: the test of this name with the arguments behind it. */
    boolean holds(List<Object> nameAndArguments, Map<String, Object> named, Object value) {
        if (nameAndArguments.isEmpty()) {
            return Types.truth(value);
        }
        String name = Types.text(nameAndArguments.getFirst(), "select");
        return holds(name, value, new Arguments(nameAndArguments.subList(1, nameAndArguments.size()), named));
    }
}
