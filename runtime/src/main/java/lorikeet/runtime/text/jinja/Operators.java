package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The arithmetic operators, on all the types that have them. */
final class Operators {
    private final Budget budget;

    Operators(Budget budget) {
        this.budget = budget;
    }

    Object unary(Expr.Unary.Operator operator, Object operand) {
        if (operator == Expr.Unary.Operator.NOT) {
            return !Types.truth(operand);
        }
        if (operand instanceof Undefined u) {
            throw u.failure();
        }
        if (!Types.isNumber(operand)) {
            throw Failure.of("bad operand type for unary operator: '" + Types.name(operand) + "'");
        }
        if (operator == Expr.Unary.Operator.MINUS) {
            return Numbers.negate(operand);
        }
        return operand instanceof Double ? operand : Numbers.narrow(Numbers.big(operand));
    }

    Object binary(Expr.Binary.Operator operator, Object left, Object right) {
        if (left instanceof Undefined u) {
            throw u.failure();
        }
        if (operator == Expr.Binary.Operator.MODULO && left instanceof String format) {
            return budget.produced(PercentFormat.format(format, right, budget));
        }
        if (right instanceof Undefined u) {
            throw u.failure();
        }
        if (Types.isNumber(left) && Types.isNumber(right)) {
            budget.spend(Numbers.cost(operator, left, right));
            return Numbers.apply(operator, left, right);
        }
        return switch (operator) {
            case ADD -> add(left, right);
            case MULTIPLY -> multiply(left, right);
            default -> throw unsupported(operator, left, right);
        };
    }

    private Object add(Object left, Object right) {
        if (left instanceof String a && right instanceof String b) {
            budget.text((long) a.length() + b.length());
            return a + b;
        }
        if (left instanceof List<?> a && right instanceof List<?> b && !(a instanceof Range) && !(b instanceof Range)) {
            return joined(a, b);
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return Tuple.of(joined(a.items(), b.items()));
        }
        throw unsupported(Expr.Binary.Operator.ADD, left, right);
    }

    private List<Object> joined(List<?> a, List<?> b) {
        budget.elements((long) a.size() + b.size());
        List<Object> all = new ArrayList<>(a.size() + b.size());
        all.addAll(a);
        all.addAll(b);
        return all;
    }

    private Object multiply(Object left, Object right) {
        Object sequence = Types.isInteger(right) ? left : right;
        Object count = Types.isInteger(right) ? right : left;
        if (!Types.isInteger(count)) {
            throw unsupported(Expr.Binary.Operator.MULTIPLY, left, right);
        }
        long times = Math.max(0, Types.integer(count));
        return switch (sequence) {
            case String s -> {
                budget.text(Math.multiplyExact(times, (long) s.length()));
                yield s.isEmpty() ? s : s.repeat((int) times);
            }
            case Range r -> throw unsupported(Expr.Binary.Operator.MULTIPLY, left, right);
            case List<?> l -> repeated(l, times);
            case Tuple t -> Tuple.of(repeated(t.items(), times));
            default -> throw unsupported(Expr.Binary.Operator.MULTIPLY, left, right);
        };
    }

    private List<Object> repeated(List<?> items, long times) {
        budget.elements(Math.multiplyExact(times, (long) items.size()));
        List<Object> all = new ArrayList<>((int) (times * items.size()));
        if (!items.isEmpty()) {
            for (long i = 0; i < times; i++) {
                all.addAll(items);
            }
        }
        return all;
    }

    private static Failure unsupported(Expr.Binary.Operator operator, Object left, Object right) {
        return Failure.of("unsupported operand types for " + operator.sign() + ": '" + Types.name(left) + "' and '"
                + Types.name(right) + "'");
    }

    /** About what it costs to go through a value once. */
    long size(Object value) {
        return switch (value) {
            case String s -> s.length() / 16;
            case List<?> l -> l.size();
            case Tuple t -> t.items().size();
            case Map<?, ?> m -> m.size();
            default -> 1;
        };
    }
}
