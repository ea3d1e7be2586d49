package lorikeet.runtime.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Python's {@code json.dumps} with the settings that Transformers' {@code tojson} filter offers. */
final class Json {
    private final boolean asciiOnly;
    private final String indent;
    private final boolean indented;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sortKeys;
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();
    private int depth;

    private Json(Arguments.Bound bound, Budget budget) {
        this.budget = budget;
        this.asciiOnly = bound.truth(0, false);
        Object width = bound.get(1, None.NONE);
        this.indented = width != None.NONE;
        this.indent = !indented ? "" : width instanceof String s ? s : Text.repeated(" ", Types.integer(width), budget);
        if (bound.get(2, None.NONE) == None.NONE) {
            this.itemSeparator = indented ? "," : ", ";
            this.keySeparator = ": ";
        } else {
            List<Object> separators = Types.iterate(bound.get(2), budget);
            if (separators.size() != 2) {
                throw Failure.of("tojson: separators must be a pair");
            }
            this.itemSeparator = Types.text(separators.get(0), "tojson");
            this.keySeparator = Types.text(separators.get(1), "tojson");
        }
        this.sortKeys = bound.truth(3, false);
    }

    /** @param arguments {@code ensure_ascii, indent, separators, sort_keys} */
    static String text(Object value, Arguments arguments, Budget budget) {
        Json json = new Json(arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys"), budget);
        json.write(value);
        return json.out.toString();
    }

    private void write(Object value) {
        budget.spend(1);
        switch (value) {
            case None n -> append("null");
            case String s -> quoted(s);
            case Range r -> throw unserializable(r);
            case List<?> l -> array(l);
            case Tuple t -> array(t.items());
            case Map<?, ?> m -> object(m);
            default -> {
                if (!Types.isNumber(value)) {
                    throw unserializable(value);
                }
                append(scalar(value));
            }
        }
    }

    private static Failure unserializable(Object value) {
        return Failure.of("Object of type " + Types.name(value) + " is not JSON serializable");
    }

    private static String scalar(Object value) {
        return switch (value) {
            case Boolean b -> b ? "true" : "false";
            case Double d ->
                d.isNaN() ? "NaN" : d.isInfinite() ? d > 0 ? "Infinity" : "-Infinity" : Printing.decimal(d);
            default -> value.toString();
        };
    }

    private void append(String text) {
        budget.spend(text.length());
        budget.checkLength((long) out.length() + text.length());
        out.append(text);
    }

    private void array(List<?> items) {
        if (items.isEmpty()) {
            append("[]");
            return;
        }
        open("[");
        String separator = "";
        for (Object item : items) {
            append(separator);
            newLine();
            write(item);
            separator = itemSeparator;
        }
        close("]");
    }

    private void object(Map<?, ?> map) {
        if (map.isEmpty()) {
            append("{}");
            return;
        }
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sortKeys) {
            entries.sort((a, b) -> Comparing.compare(a.getKey(), b.getKey(), budget));
        }
        open("{");
        String separator = "";
        for (Map.Entry<?, ?> entry : entries) {
            append(separator);
            newLine();
            quoted(key(entry.getKey()));
            append(keySeparator);
            write(entry.getValue());
            separator = itemSeparator;
        }
        close("}");
    }

    private static String key(Object key) {
        return switch (key) {
            case String s -> s;
            case None n -> "null";
            case Boolean b -> scalar(b);
            case Long n -> scalar(n);
            case BigInteger n -> scalar(n);
            case Double d -> scalar(d);
            default -> throw Failure.of("keys must be str, int, float, bool or None, not " + Types.name(key));
        };
    }

    private void open(String bracket) {
        budget.enter();
        append(bracket);
        depth++;
    }

    private void close(String bracket) {
        depth--;
        newLine();
        append(bracket);
        budget.leave();
    }

    private void newLine() {
        if (indented) {
            append("\n");
            budget.checkLength((long) indent.length() * depth);
            append(indent.repeat(depth));
        }
    }

    private void quoted(String text) {
        budget.spend(text.length());
        budget.checkLength((long) out.length() + text.length());
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || (asciiOnly && c > 0x7E)) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
