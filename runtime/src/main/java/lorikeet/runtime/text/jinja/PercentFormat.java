package lorikeet.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;

/** {@code format % values}, as Python has it. */
final class PercentFormat {
    /** No float has more digits behind the point. */
    private static final int MAX_FRACTION = 1074;

    private final String format;
    private final Object values;
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();
    private int at;
    private int used;

    private PercentFormat(String format, Object values, Budget budget) {
        this.format = format;
        this.values = values;
        this.budget = budget;
    }

    static String format(String format, Object values, Budget budget) {
        return new PercentFormat(format, values, budget).run();
    }

    private String run() {
        while (at < format.length()) {
            char c = format.charAt(at++);
            if (c != '%') {
                out.append(c);
            } else {
                directive();
            }
        }
        int given = switch (values) {
            case Tuple tuple -> tuple.items().size();
            // What can be subscripted may go unused: Python takes it for a dictionary.
            case Map<?, ?> m -> used;
            case List<?> l -> used;
            case Undefined u -> used;
            default -> 1;
        };
        if (used < given) {
            throw Failure.of("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private void directive() {
        String key = null;
        if (peek() == '(') {
            int end = format.indexOf(')', at);
            if (end < 0) {
                throw Failure.of("incomplete format key");
            }
            key = format.substring(at + 1, end);
            at = end + 1;
        }
        StringBuilder flags = new StringBuilder();
        while ("-+ 0#".indexOf(peek()) >= 0) {
            flags.append(format.charAt(at++));
        }
        int width = number();
        int precision = -1;
        if (peek() == '.') {
            at++;
            precision = Math.max(0, number());
        }
        char type = peek();
        at++;
        if (type == '%') {
            out.append('%');
            return;
        }
        Object value = key == null ? nextValue() : named(key);
        pad(
                converted(type, value, flags.toString(), precision),
                flags.toString(),
                width,
                "diufFeEgGxXo".indexOf(type) >= 0);
    }

    private char peek() {
        if (at >= format.length()) {
            throw Failure.of("incomplete format");
        }
        return format.charAt(at);
    }

    private int number() {
        if (peek() == '*') {
            at++;
            return Math.clamp(Types.integer(nextValue()), 0, Integer.MAX_VALUE);
        }
        long value = -1;
        while (PyChars.isDigit(peek())) {
            value = Math.min(Integer.MAX_VALUE, Math.max(0, value) * 10 + format.charAt(at++) - '0');
        }
        return (int) value;
    }

    private Object nextValue() {
        List<Object> all = values instanceof Tuple tuple ? tuple.items() : List.of(values);
        if (used >= all.size()) {
            throw Failure.of("not enough arguments for format string");
        }
        return all.get(used++);
    }

    private Object named(String key) {
        if (!(values instanceof Map<?, ?> map)) {
            throw Failure.of("format requires a mapping");
        }
        Object value = map.get(key);
        if (value == null) {
            throw Failure.of("there is no value '" + key + "' to format");
        }
        return value;
    }

    private String converted(char type, Object value, String flags, int precision) {
        return switch (type) {
            case 's', 'r' -> {
                String text = type == 's' || !(value instanceof String)
                        ? Printing.str(value, budget)
                        : Printing.str(List.of(value), budget);
                text = type == 'r' && value instanceof String ? text.substring(1, text.length() - 1) : text;
                yield precision >= 0 && precision < Text.length(text)
                        ? text.substring(0, text.offsetByCodePoints(0, precision))
                        : text;
            }
            case 'd', 'i', 'u' -> sign(integer(value).toString(), flags);
            case 'x' -> sign(integer(value).toString(16), flags);
            case 'X' -> sign(Text.upper(integer(value).toString(16)), flags);
            case 'o' -> sign(integer(value).toString(8), flags);
            case 'f', 'F' -> sign(fixed(value, precision < 0 ? 6 : precision), flags);
            case 'c' -> character(value);
            default -> throw Failure.of("unsupported format character '" + type + "'");
        };
    }

    private static String character(Object value) {
        if (value instanceof String s && Text.length(s) == 1) {
            return s;
        }
        if (value instanceof String) {
            throw Failure.of("%c requires int or char");
        }
        long code = Types.integer(value);
        if (code < 0 || code > Character.MAX_CODE_POINT) {
            throw Failure.of("%c arg not in range(0x110000)");
        }
        return Character.toString((int) code);
    }

    private static String sign(String number, String flags) {
        if (number.startsWith("-")) {
            return number;
        }
        return flags.contains("+") ? "+" + number : flags.contains(" ") ? " " + number : number;
    }

    private static BigInteger integer(Object value) {
        if (value instanceof Double d && !d.isNaN() && !d.isInfinite()) {
            return new BigDecimal(d).toBigInteger();
        }
        if (!Types.isInteger(value)) {
            throw Failure.of("a number is required, not " + Types.name(value));
        }
        return Numbers.big(value);
    }

    private String fixed(Object value, int precision) {
        if (!Types.isNumber(value)) {
            throw Failure.of("a number is required, not " + Types.name(value));
        }
        double number = Numbers.real(value);
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Printing.decimal(number);
        }
        budget.text(precision);
        int exact = Math.min(precision, MAX_FRACTION);
        String text =
                new BigDecimal(number).setScale(exact, RoundingMode.HALF_EVEN).toPlainString()
                        + "0".repeat(precision - exact);
        return number < 0 && !text.startsWith("-") ? "-" + text : text;
    }

    private void pad(String text, String flags, int width, boolean number) {
        long missing = (long) width - Text.length(text);
        if (missing <= 0) {
            out.append(text);
        } else if (flags.contains("-")) {
            out.append(text).append(Text.repeated(" ", missing, budget));
        } else if (flags.contains("0") && number) {
            int sign = text.startsWith("-") || text.startsWith("+") || text.startsWith(" ") ? 1 : 0;
            out.append(text, 0, sign)
                    .append(Text.repeated("0", missing, budget))
                    .append(text.substring(sign));
        } else {
            out.append(Text.repeated(" ", missing, budget)).append(text);
        }
        budget.checkLength(out.length());
    }
}
