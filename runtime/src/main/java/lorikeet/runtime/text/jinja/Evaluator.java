package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Evaluates the expressions of one rendering. */
final class Evaluator {
    private final Budget budget;
    private final Operators operators;
    private final Attributes attributes;
    private final Filters filters;
    private final Tests tests;
    private int line = 1;

    Evaluator(Budget budget) {
        this.budget = budget;
        this.operators = new Operators(budget);
        this.attributes = new Attributes(budget);
        this.tests = new Tests(budget);
        this.filters = new Filters(budget, attributes, tests);
    }

    int line() {
        return line;
    }

    void at(int line) {
        this.line = line;
    }

    Object evaluate(Expr expr, Scope scope) {
        budget.spend(1);
        return switch (expr) {
            case Expr.Literal literal -> literal.value();
            case Expr.Name name -> {
                Object value = scope.find(name.name());
                yield value == null ? Undefined.name(name.name()) : value;
            }
            case Expr.ListOf list -> all(list.items(), scope);
            case Expr.TupleOf tuple -> Tuple.of(all(tuple.items(), scope));
            case Expr.DictOf dict -> dict(dict, scope);
            case Expr.Unary unary -> {
                Object operand = evaluate(unary.operand(), scope);
                line = unary.line();
                yield operators.unary(unary.operator(), operand);
            }
            case Expr.Binary binary -> {
                Object left = evaluate(binary.left(), scope);
                Object right = evaluate(binary.right(), scope);
                line = binary.line();
                yield operators.binary(binary.operator(), left, right);
            }
            case Expr.Logic logic -> {
                Object left = evaluate(logic.left(), scope);
                yield Types.truth(left) == logic.and() ? evaluate(logic.right(), scope) : left;
            }
            case Expr.Compare compare -> compare(compare, scope);
            case Expr.Concat concat -> concat(concat, scope);
            case Expr.Conditional conditional -> conditional(conditional, scope);
            case Expr.Attribute attribute -> {
                Object target = evaluate(attribute.target(), scope);
                line = attribute.line();
                yield attributes.attribute(target, attribute.name());
            }
            case Expr.Item item -> {
                Object target = evaluate(item.target(), scope);
                Object key = evaluate(item.key(), scope);
                line = item.line();
                yield attributes.item(target, key);
            }
            case Expr.Slice slice -> slice(slice, scope);
            case Expr.Call call -> call(call, scope, Map.of());
            case Expr.Filter filter -> {
                if (filter.input() == null) {
                    throw new IllegalStateException("a filter without input");
                }
                yield filter(filter, evaluate(filter.input(), scope), scope);
            }
            case Expr.Test test -> {
                Object input = evaluate(test.input(), scope);
                Arguments arguments = arguments(test.arguments(), scope, Map.of());
                line = test.line();
                yield tests.holds(test.name(), input, arguments);
            }
        };
    }

    /** Calls with these named arguments in addition to those written. */
    Object call(Expr.Call call, Scope scope, Map<String, Object> more) {
        Object function = evaluate(call.function(), scope);
        Arguments arguments = arguments(call.arguments(), scope, more);
        line = call.line();
        return switch (function) {
            case Callable callable -> {
                budget.enter();
                Object value = callable.call(arguments);
                budget.leave();
                line = call.line();
                yield value;
            }
            case Undefined undefined -> throw undefined.failure();
            default -> throw Failure.of("'" + Types.name(function) + "' object is not callable");
        };
    }

    Object filter(Expr.Filter filter, Object input, Scope scope) {
        Arguments arguments = arguments(filter.arguments(), scope, Map.of());
        line = filter.line();
        return filters.apply(filter.name(), input, arguments);
    }

    private List<Object> all(List<Expr> expressions, Scope scope) {
        List<Object> values = new ArrayList<>(expressions.size());
        for (Expr expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private Object dict(Expr.DictOf dict, Scope scope) {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (Expr.DictOf.Entry entry : dict.entries()) {
            Object key = evaluate(entry.key(), scope);
            map.put(Keys.in(map, key, budget), evaluate(entry.value(), scope));
        }
        return map;
    }

    private Object compare(Expr.Compare compare, Scope scope) {
        Object left = evaluate(compare.first(), scope);
        for (Expr.Compare.Link link : compare.links()) {
            Object right = evaluate(link.operand(), scope);
            line = compare.line();
            budget.spend(operators.size(left) + operators.size(right));
            if (!Comparing.holds(link.operator(), left, right, budget)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object concat(Expr.Concat concat, Scope scope) {
        StringBuilder text = new StringBuilder();
        for (Object part : all(concat.parts(), scope)) {
            String piece = Printing.str(part, budget);
            budget.spend(piece.length());
            budget.checkLength((long) text.length() + piece.length());
            text.append(piece);
        }
        return text.toString();
    }

    private Object conditional(Expr.Conditional conditional, Scope scope) {
        if (Types.truth(evaluate(conditional.test(), scope))) {
            return evaluate(conditional.yes(), scope);
        }
        if (conditional.no() == null) {
            return new Undefined("the inline if-expression on line " + conditional.line()
                    + " evaluated to false and no else section was defined");
        }
        return evaluate(conditional.no(), scope);
    }

    private Object slice(Expr.Slice slice, Scope scope) {
        Object target = evaluate(slice.target(), scope);
        Object start = slice.start() == null ? None.NONE : evaluate(slice.start(), scope);
        Object stop = slice.stop() == null ? None.NONE : evaluate(slice.stop(), scope);
        Object step = slice.step() == null ? None.NONE : evaluate(slice.step(), scope);
        line = slice.line();
        return Slices.slice(target, start, stop, step, budget);
    }

    private Arguments arguments(Expr.CallArguments written, Scope scope, Map<String, Object> more) {
        if (written.equals(Expr.CallArguments.NONE) && more.isEmpty()) {
            return Arguments.NONE;
        }
        List<Object> positional = all(written.positional(), scope);
        Map<String, Object> named = new LinkedHashMap<>();
        for (Expr.CallArguments.Named argument : written.named()) {
            add(named, argument.name(), evaluate(argument.value(), scope));
        }
        if (written.star() != null) {
            positional.addAll(Types.iterate(evaluate(written.star(), scope), budget));
        }
        if (written.starStar() != null) {
            if (!(evaluate(written.starStar(), scope) instanceof Map<?, ?> map)) {
                throw Failure.of("argument after ** must be a mapping");
            }
            budget.elements(map.size());
            map.forEach((name, value) -> add(named, Types.text(name, "a call"), value));
        }
        more.forEach((name, value) -> add(named, name, value));
        return new Arguments(positional, named);
    }

    private static void add(Map<String, Object> named, String name, Object value) {
        if (named.put(name, value) != null) {
            throw Failure.of("two values for the argument '" + name + "'");
        }
    }
}
