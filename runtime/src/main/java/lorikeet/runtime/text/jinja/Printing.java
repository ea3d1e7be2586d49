package lorikeet.runtime.text.jinja;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** {@code str} and {@code repr} of values. */
final class Printing {
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();

    private Printing(Budget budget) {
        this.budget = budget;
    }

    /** The text that printing a value gives. */
    static String str(Object value, Budget budget) {
        return switch (value) {
            case String s -> s;
            case Undefined u -> "";
            default -> {
                Printing printing = new Printing(budget);
                printing.repr(value);
                yield printing.out.toString();
            }
        };
    }

    private void repr(Object value) {
        budget.enter();
        budget.spend(1);
        switch (value) {
            case Undefined u -> append("Undefined");
            case Boolean b -> append(b ? "True" : "False");
            case Double d -> append(decimal(d));
            case String s -> quoted(s);
            case Range r -> append(r.toString());
            case List<?> l -> items("[", l, "]");
            case Tuple t -> items("(", t.items(), t.items().size() == 1 ? ",)" : ")");
            case Map<?, ?> m -> dict(m);
            case View v -> items(v.type() + "([", v.items(), "])");
            case Namespace n -> {
                append("<Namespace ");
                dict(n.fields());
                append(">");
            }
            case Macro m -> append("<Macro '" + m.name() + "'>");
            case Generator g -> append("<generator object>");
            case LoopState l -> append(l.toString());
            case Cycler c -> append("<Cycler object>");
            case Callable c -> append("<built-in method>");
            default -> append(String.valueOf(value));
        }
        budget.leave();
    }

    private void append(String text) {
        budget.text(text.length());
        out.append(text);
    }

    private void items(String open, List<?> items, String close) {
        append(open);
        String separator = "";
        for (Object item : items) {
            append(separator);
            repr(item);
            separator = ", ";
        }
        append(close);
    }

    private void dict(Map<?, ?> map) {
        append("{");
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            append(separator);
            repr(entry.getKey());
            append(": ");
            repr(entry.getValue());
            separator = ", ";
        }
        append("}");
    }

    private void quoted(String text) {
        budget.text(text.length());
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').appendCodePoint(c);
                    } else if (isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else {
                        String form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
                        out.append(form.formatted(c));
                    }
                }
            }
        });
        out.append(quote);
    }

    /** {@code str.isprintable} for one character. */
    private static boolean isPrintable(int c) {
        if (c >= 0x20 && c < 0x7F) {
            return true;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    /** Python's shortest form of a float: digits as Java has them, exponents from 1e16 and below 1e-4. */
    static String decimal(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value > 0 ? "0.0" : "-0.0";
        }
        BigDecimal exact = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        String digits = exact.unscaledValue().abs().toString();
        int exponent = digits.length() - 1 - exact.scale();
        String sign = value < 0 ? "-" : "";
        if (exponent >= -4 && exponent < 16) {
            String plain = exact.abs().toPlainString();
            return sign + (plain.indexOf('.') >= 0 ? plain : plain + ".0");
        }
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        return sign
                + digits.charAt(0)
                + fraction
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }
}
