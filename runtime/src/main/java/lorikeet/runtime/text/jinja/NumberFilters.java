package lorikeet.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.regex.Pattern;

/** {@code abs}, {@code int}, {@code float} and {@code round}. */
final class NumberFilters {
    private static final Pattern DECIMAL =
            Pattern.compile("[+-]?(\\d++(_\\d++)*+\\.?+(\\d++(_\\d++)*+)?+|\\.\\d++(_\\d++)*+)([eE][+-]?\\d++)?+");
    private static final Pattern SPECIAL = Pattern.compile("([+-]?)(inf|infinity|nan)", Pattern.CASE_INSENSITIVE);

    /** Digits of any base, grouped by single underscores. */
    private static final Pattern GROUPED = Pattern.compile("[+-]?\\p{Alnum}++(_\\p{Alnum}++)*+");

    private NumberFilters() {}

    static Object absolute(Object value) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        if (!Types.isNumber(value)) {
            throw Failure.of("bad operand type for abs(): '" + Types.name(value) + "'");
        }
        return Numbers.absolute(value);
    }

    /** @param bound {@code default, base} */
    static Object integer(Object value, Arguments.Bound bound) {
        Object otherwise = bound.get(0, 0L);
        return switch (value) {
            case Undefined u -> throw u.failure();
            case Double d -> d.isNaN() || d.isInfinite() ? otherwise : truncated(d);
            case String s -> parsed(PyChars.strip(s), (int) bound.integer(1, 10), otherwise);
            default -> Types.isInteger(value) ? Numbers.narrow(Numbers.big(value)) : otherwise;
        };
    }

    private static Object truncated(double value) {
        return Numbers.narrow(new BigDecimal(value).toBigInteger());
    }

    private static Object parsed(String text, int base, Object otherwise) {
        if (text.length() > 1000) {
            return otherwise;
        }
        String digits = GROUPED.matcher(text).matches() ? text.replace("_", "") : text;
        String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
        if (!prefix.isEmpty() && Text.lower(digits).startsWith(prefix)) {
            digits = digits.substring(2);
        }
        try {
            return Numbers.narrow(new BigInteger(digits, base));
        } catch (NumberFormatException e) {
            double value = number(text);
            return Double.isNaN(value) || Double.isInfinite(value) ? otherwise : truncated(value);
        }
    }

    /** @param bound {@code default} */
    static Object decimal(Object value, Arguments.Bound bound) {
        Object otherwise = bound.get(0, 0.0);
        return switch (value) {
            case Undefined u -> throw u.failure();
            case String s -> {
                String text = PyChars.strip(s);
                boolean number =
                        DECIMAL.matcher(text).matches() || SPECIAL.matcher(text).matches();
                yield number ? (Object) number(text) : otherwise;
            }
            default -> Types.isNumber(value) ? (Object) Numbers.real(value) : otherwise;
        };
    }

    /** A float's text as Python reads it; NaN if it is none. */
    private static double number(String text) {
        if (DECIMAL.matcher(text).matches()) {
            return Double.parseDouble(text.replace("_", ""));
        }
        var special = SPECIAL.matcher(text);
        if (special.matches() && !Text.lower(special.group(2)).equals("nan")) {
            return special.group(1).equals("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        return Double.NaN;
    }

    /** @param bound {@code precision, method} */
    static Object round(Object value, Arguments.Bound bound) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        if (!Types.isNumber(value)) {
            throw Failure.of("type " + Types.name(value) + " doesn't define __round__ method");
        }
        int precision = Math.clamp(bound.integer(0, 0), -400, 400);
        String method = bound.text(1, "common");
        if (method.equals("common")) {
            return common(value, precision);
        }
        if (!method.equals("ceil") && !method.equals("floor")) {
            throw Failure.of("method must be common, ceil or floor");
        }
        double scale = Math.pow(10, precision);
        double scaled = Numbers.real(value) * scale;
        return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
    }

    /** To the nearest, ties to even, of the exact value; an integer stays one. */
    private static Object common(Object value, int precision) {
        if (value instanceof Double d) {
            if (d.isNaN() || d.isInfinite()) {
                return d;
            }
            double rounded = new BigDecimal(d)
                    .setScale(precision, RoundingMode.HALF_EVEN)
                    .doubleValue();
            return Math.copySign(rounded, d);
        }
        return Numbers.narrow(new BigDecimal(Numbers.big(value))
                .setScale(Math.min(0, precision), RoundingMode.HALF_EVEN)
                .toBigInteger());
    }
}
