package lorikeet.runtime.text.jinja;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Equality, order and membership as Python has them. Lists may share their items, so that to go through two of them can
 * take far more steps than they take memory: each step is paid for.
 */
final class Comparing {
    private Comparing() {}

    @SuppressWarnings("ReferenceEquality") // A generator equals only itself.
    static boolean equal(Object a, Object b, Budget budget) {
        budget.spend(1);
        if (Types.isNumber(a) && Types.isNumber(b)) {
            return compareNumbers(a, b) == 0 && !isNan(a) && !isNan(b);
        }
        return switch (a) {
            case Undefined u -> b instanceof Undefined;
            case List<?> l ->
                b instanceof List<?> other
                        && l instanceof Range == other instanceof Range
                        && equalItems(l, other, budget);
            case Tuple t -> b instanceof Tuple other && equalItems(t.items(), other.items(), budget);
            case Map<?, ?> m -> b instanceof Map<?, ?> other && equalMaps(m, other, budget);
            case Generator g -> a == b;
            default -> Objects.equals(a, b);
        };
    }

    private static boolean equalItems(List<?> a, List<?> b, Budget budget) {
        if (a.size() != b.size()) {
            return false;
        }
        Iterator<?> others = b.iterator();
        for (Object item : a) {
            if (!equal(item, others.next(), budget)) {
                return false;
            }
        }
        return true;
    }

    private static boolean equalMaps(Map<?, ?> a, Map<?, ?> b, Budget budget) {
        if (a.size() != b.size()) {
            return false;
        }
        for (Map.Entry<?, ?> entry : a.entrySet()) {
            Object other = b.get(Keys.in(b, entry.getKey(), budget));
            if (other == null || !equal(entry.getValue(), other, budget)) {
                return false;
            }
        }
        return true;
    }

    /** One of {@code == != < <= > >= in}, {@code not in}. */
    static boolean holds(String operator, Object a, Object b, Budget budget) {
        return switch (operator) {
            case "==" -> equal(a, b, budget);
            case "!=" -> !equal(a, b, budget);
            case "in" -> contains(b, a, budget);
            case "not in" -> !contains(b, a, budget);
            default -> {
                Integer order = order(operator, a, b, budget);
                yield order != null
                        && switch (operator) {
                            case "<" -> order < 0;
                            case "<=" -> order <= 0;
                            case ">" -> order > 0;
                            default -> order >= 0;
                        };
            }
        };
    }

    /** For sorting. */
    static int compare(Object a, Object b, Budget budget) {
        Integer order = order("<", a, b, budget);
        return order == null ? 0 : order;
    }

    /** Negative, zero or positive; null if neither is less, as with NaN. */
    private static @Nullable Integer order(String operator, Object a, Object b, Budget budget) {
        budget.spend(1);
        if (a instanceof Undefined u) {
            throw u.failure();
        }
        if (b instanceof Undefined u) {
            throw u.failure();
        }
        if (Types.isNumber(a) && Types.isNumber(b)) {
            return isNan(a) || isNan(b) ? null : compareNumbers(a, b);
        }
        if (a instanceof String s && b instanceof String t) {
            return compareText(s, t);
        }
        if (a instanceof List<?> l && b instanceof List<?> m && !(a instanceof Range) && !(b instanceof Range)) {
            return orderItems(operator, l, m, budget);
        }
        if (a instanceof Tuple t && b instanceof Tuple u) {
            return orderItems(operator, t.items(), u.items(), budget);
        }
        throw Failure.of("'" + operator + "' not supported between instances of '" + Types.name(a) + "' and '"
                + Types.name(b) + "'");
    }

    private static @Nullable Integer orderItems(String operator, List<?> a, List<?> b, Budget budget) {
        Iterator<?> others = b.iterator();
        for (Object item : a) {
            if (!others.hasNext()) {
                return 1;
            }
            Object other = others.next();
            if (!equal(item, other, budget)) {
                return order(operator, item, other, budget);
            }
        }
        return others.hasNext() ? -1 : 0;
    }

    /** By code points, where Java compares by UTF-16 units. */
    static int compareText(String a, String b) {
        int length = Math.min(a.length(), b.length());
        for (int i = 0; i < length; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean surrogateX = Character.isSurrogate(x);
                boolean surrogateY = Character.isSurrogate(y);
                return surrogateX == surrogateY ? Character.compare(x, y) : surrogateX ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    private static int compareNumbers(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            return Long.compare(x, y);
        }
        double x = Numbers.real(a);
        double y = Numbers.real(b);
        if (Double.isInfinite(x) || Double.isInfinite(y) || isNan(a) || isNan(b)) {
            return Double.compare(x, y);
        }
        return exact(a).compareTo(exact(b));
    }

    private static BigDecimal exact(Object number) {
        return number instanceof Double d ? new BigDecimal(d) : new BigDecimal(Numbers.big(number));
    }

    private static boolean isNan(Object number) {
        return number instanceof Double d && d.isNaN();
    }

    static boolean contains(Object container, Object value, Budget budget) {
        return switch (container) {
            case String s -> {
                if (value instanceof String part) {
                    budget.spend(s.length() / 16 + 1);
                    yield Search.first(s, part, 0) >= 0;
                }
                throw value instanceof Undefined u
                        ? u.failure()
                        : Failure.of("'in <string>' requires string as left operand, not " + Types.name(value));
            }
            case Map<?, ?> m -> m.containsKey(Keys.in(m, value, budget));
            default -> {
                if (!Types.isIterable(container)) {
                    throw Failure.of("argument of type '" + Types.name(container) + "' is not iterable");
                }
                for (Object item : Types.iterate(container, budget)) {
                    if (equal(item, value, budget)) {
                        yield true;
                    }
                }
                yield false;
            }
        };
    }
}
