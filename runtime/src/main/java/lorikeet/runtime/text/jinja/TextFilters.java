package lorikeet.runtime.text.jinja;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters that make text. */
final class TextFilters {
    private static final Pattern WORD = Pattern.compile("\\w++", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern TITLE_PART = Pattern.compile("[-\\s({\\[<]++", Pattern.UNICODE_CHARACTER_CLASS);

    private final Budget budget;

    TextFilters(Budget budget) {
        this.budget = budget;
    }

    /** The filtered value; null if there is no filter of this name here. */
    @Nullable
    Object apply(String name, Object value, Arguments arguments) {
        return switch (name) {
            case "string", "safe" -> plain(name, value, arguments);
            case "upper" -> Text.upper(plain(name, value, arguments));
            case "lower" -> Text.lower(plain(name, value, arguments));
            case "capitalize" -> Text.capitalize(plain(name, value, arguments));
            case "title" -> title(plain(name, value, arguments));
            case "wordcount" -> {
                String text = plain(name, value, arguments);
                budget.spend(text.length());
                yield WORD.matcher(text).results().count();
            }
            case "escape", "e", "forceescape" -> escape(plain(name, value, arguments));
            case "trim" -> {
                Object chars = arguments.bind(name, "chars").get(0, None.NONE);
                String text = str(value);
                yield chars == None.NONE ? PyChars.strip(text) : Text.strip(text, Types.text(chars, name), true, true);
            }
            case "replace" -> {
                Arguments.Bound bound = arguments.bind(name, "old", "new", "count");
                Object count = bound.get(2, None.NONE);
                yield Text.replace(
                        str(value),
                        str(bound.get(0)),
                        str(bound.get(1)),
                        count == None.NONE ? -1 : Types.integer(count),
                        budget);
            }
            case "indent" -> indent(Types.text(value, name), arguments.bind(name, "width", "first", "blank"));
            case "center" ->
                Text.center(str(value), arguments.bind(name, "width").integer(0, 80), " ", budget);
            case "format" -> format(value, arguments);
            case "truncate" -> truncate(value, arguments.bind(name, "length", "killwords", "end", "leeway"));
            case "striptags" -> {
                String text = plain(name, value, arguments);
                budget.characters(text.length());
                yield stripTags(text);
            }
            case "urlencode" -> urlEncode(value);
            default -> null;
        };
    }

    private String str(Object value) {
        return Printing.str(value, budget);
    }

    private String plain(String name, Object value, Arguments arguments) {
        arguments.bind(name);
        return str(value);
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        var separators = TITLE_PART.matcher(text);
        int from = 0;
        while (separators.find()) {
            out.append(titled(text.substring(from, separators.start()))).append(separators.group());
            from = separators.end();
        }
        return out.append(titled(text.substring(from))).toString();
    }

    private static String titled(String word) {
        if (word.isEmpty()) {
            return word;
        }
        int first = word.offsetByCodePoints(0, 1);
        return Text.upper(word.substring(0, first)) + Text.lower(word.substring(first));
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace(">", "&gt;")
                .replace("<", "&lt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private String indent(String text, Arguments.Bound bound) {
        Object width = bound.get(0, 4L);
        String indentation = width instanceof String s ? s : Text.repeated(" ", Types.integer(width), budget);
        boolean blank = bound.truth(2, false);
        List<String> lines = PyChars.lines(text + "\n", false);
        StringBuilder out = new StringBuilder(bound.truth(1, false) ? indentation : "");
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            String before = i > 0 && (blank || !line.isEmpty()) ? indentation : "";
            budget.spend(1L + before.length() + line.length());
            budget.checkLength(1L + out.length() + before.length() + line.length());
            out.append(i > 0 ? "\n" : "").append(before).append(line);
        }
        return out.toString();
    }

    private Object format(Object value, Arguments arguments) {
        if (!arguments.positional().isEmpty() && !arguments.named().isEmpty()) {
            throw Failure.of("format takes positional or named arguments, not both");
        }
        Object values = arguments.named().isEmpty()
                ? Tuple.of(new ArrayList<>(arguments.positional()))
                : Map.<Object, Object>copyOf(arguments.named());
        return PercentFormat.format(str(value), values, budget);
    }

    private static Object truncate(Object value, Arguments.Bound bound) {
        long length = bound.integer(0, 255);
        String end = bound.text(2, "...");
        long leeway = bound.integer(3, 5);
        if (length < Text.length(end) || leeway < 0) {
            throw Failure.of("truncate: expected a length of at least that of the end, and a leeway of at least 0");
        }
        if (Types.length(value) <= length + leeway) {
            return value;
        }
        String text = Types.text(value, "truncate");
        String cut = text.substring(0, text.offsetByCodePoints(0, (int) length - Text.length(end)));
        if (!bound.truth(1, false) && cut.lastIndexOf(' ') >= 0) {
            cut = cut.substring(0, cut.lastIndexOf(' '));
        }
        return cut + end;
    }

    private static String stripTags(String text) {
        // Behind the last ends of a comment and of a tag nothing is worth a search.
        int lastComment = text.lastIndexOf("-->");
        int lastTag = text.lastIndexOf('>');
        StringBuilder out = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            boolean comment = text.startsWith("<!--", i);
            if (comment && lastComment >= i) {
                i = text.indexOf("-->", i) + 3;
            } else if (!comment && text.charAt(i) == '<' && lastTag > i) {
                i = text.indexOf('>', i) + 1;
            } else {
                out.append(text.charAt(i++));
            }
        }
        return String.join(" ", PyChars.words(out.toString()));
    }

    private String urlEncode(Object value) {
        if (value instanceof String || !Types.isIterable(value)) {
            return quoted(str(value), "/");
        }
        List<Object> pairs =
                value instanceof Map<?, ?> map ? DictMethods.items(map, budget) : Types.iterate(value, budget);
        List<String> parts = new ArrayList<>();
        for (Object item : pairs) {
            List<Object> pair = Types.iterate(item, budget);
            if (pair.size() != 2) {
                throw Failure.of("urlencode takes text, a mapping or pairs");
            }
            parts.add(quoted(str(pair.get(0)), "").replace("%20", "+") + "="
                    + quoted(str(pair.get(1)), "").replace("%20", "+"));
        }
        return String.join("&", parts);
    }

    private static String quoted(String text, String safe) {
        StringBuilder out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            boolean plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || PyChars.isDigit(c);
            if (plain || "_.-~".indexOf(c) >= 0 || safe.indexOf(c) >= 0) {
                out.append(c);
            } else {
                out.append("%%%02X".formatted((int) c));
            }
        }
        return out.toString();
    }
}
