package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of text. */
final class StringMethods {
    private final Budget budget;

    StringMethods(Budget budget) {
        this.budget = budget;
    }

    /** The method of this name, bound to the text; null if there is none. */
    @Nullable
    Callable method(String text, String name) {
        Callable method = predicate(text, name);
        if (method == null) {
            method = searching(text, name);
        }
        if (method == null) {
            method = changing(text, name);
        }
        if (method == null) {
            return null;
        }
        Callable found = method;
        return arguments -> {
            budget.spend(text.length() / 4 + 1);
            Object value = found.call(arguments);
            return value instanceof String result ? budget.produced(result) : value;
        };
    }

    private static @Nullable Callable predicate(String text, String name) {
        return switch (name) {
            case "isalnum" -> plain(name, () -> Text.allMatch(text, Character::isLetterOrDigit));
            case "isalpha" -> plain(name, () -> Text.allMatch(text, Character::isLetter));
            case "isascii" -> plain(name, () -> text.chars().allMatch(c -> c < 0x80));
            case "isdecimal", "isdigit", "isnumeric" -> plain(name, () -> Text.allMatch(text, Character::isDigit));
            case "islower" -> plain(name, () -> Text.isAll(text, Character::isLowerCase));
            case "isspace" -> plain(name, () -> Text.allMatch(text, PyChars::isSpace));
            case "istitle" -> plain(name, () -> Text.isTitle(text));
            case "isupper" -> plain(name, () -> Text.isAll(text, Character::isUpperCase));
            default -> null;
        };
    }

    private @Nullable Callable searching(String text, String name) {
        return switch (name) {
            case "startswith" -> arguments -> affix(text, arguments.bind(name, "prefix", "start", "end"), true);
            case "endswith" -> arguments -> affix(text, arguments.bind(name, "suffix", "start", "end"), false);
            case "find", "index" -> arguments -> position(text, arguments, name, false);
            case "rfind", "rindex" -> arguments -> position(text, arguments, name, true);
            case "count" ->
                arguments -> count(text, arguments.bind(name, "part").text(0));
            case "split", "rsplit" -> arguments -> split(text, arguments.bind(name, "sep", "maxsplit"), name);
            case "splitlines" ->
                arguments -> {
                    List<String> lines =
                            PyChars.lines(text, arguments.bind(name, "keepends").truth(0, false));
                    budget.characters(lines.size());
                    return new ArrayList<Object>(lines);
                };
            case "partition", "rpartition" ->
                arguments -> partition(text, arguments.bind(name, "sep").text(0), name);
            default -> null;
        };
    }

    private @Nullable Callable changing(String text, String name) {
        return switch (name) {
            case "capitalize" -> plain(name, () -> Text.capitalize(text));
            case "casefold", "lower" -> plain(name, () -> Text.lower(text));
            case "upper" -> plain(name, () -> Text.upper(text));
            case "title" -> plain(name, () -> Text.title(text));
            case "swapcase" -> plain(name, () -> Text.swapCase(text));
            case "strip" -> arguments -> strip(text, arguments.bind(name, "chars"), true, true);
            case "lstrip" -> arguments -> strip(text, arguments.bind(name, "chars"), true, false);
            case "rstrip" -> arguments -> strip(text, arguments.bind(name, "chars"), false, true);
            case "removeprefix" ->
                arguments -> {
                    String prefix = arguments.bind(name, "prefix").text(0);
                    return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
                };
            case "removesuffix" ->
                arguments -> {
                    String suffix = arguments.bind(name, "suffix").text(0);
                    return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
                };
            case "replace" ->
                arguments -> {
                    Arguments.Bound bound = arguments.bind(name, "old", "new", "count");
                    return Text.replace(text, bound.text(0), bound.text(1), bound.integer(2, -1), budget);
                };
            case "join" ->
                arguments -> join(
                        text, Types.iterate(arguments.bind(name, "iterable").get(0), budget));
            case "format" -> arguments -> BraceFormat.format(text, arguments, budget);
            case "center" ->
                arguments -> {
                    Arguments.Bound bound = arguments.bind(name, "width", "fillchar");
                    return Text.center(text, bound.integer(0), bound.text(1, " "), budget);
                };
            case "ljust", "rjust" ->
                arguments -> {
                    Arguments.Bound bound = arguments.bind(name, "width", "fillchar");
                    String padding = Text.repeated(bound.text(1, " "), bound.integer(0) - Text.length(text), budget);
                    return name.equals("ljust") ? text + padding : padding + text;
                };
            case "zfill" ->
                arguments -> {
                    long missing = arguments.bind(name, "width").integer(0) - Text.length(text);
                    int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
                    return text.substring(0, sign) + Text.repeated("0", missing, budget) + text.substring(sign);
                };
            case "expandtabs" ->
                arguments -> expandTabs(text, arguments.bind(name, "tabsize").integer(0, 8));
            default -> null;
        };
    }

    private interface Result {
        Object get();
    }

    private static Callable plain(String name, Result result) {
        return arguments -> {
            arguments.bind(name);
            return result.get();
        };
    }

    private static Object affix(String text, Arguments.Bound bound, boolean start) {
        String part = text;
        if (bound.has(1)) {
            part = (String) Slices.slice(text, bound.get(1), bound.get(2, None.NONE), None.NONE, unlimited());
        }
        List<Object> candidates = bound.get(0) instanceof Tuple tuple ? tuple.items() : List.of((Object) bound.text(0));
        for (Object candidate : candidates) {
            String affix = Types.text(candidate, bound.function());
            if (start ? part.startsWith(affix) : part.endsWith(affix)) {
                return true;
            }
        }
        return false;
    }

    /** For slices whose result is no longer than a text that is paid for. */
    private static Budget unlimited() {
        return new Budget(Limits.DEFAULT);
    }

    private static Object position(String text, Arguments arguments, String name, boolean last) {
        Arguments.Bound bound = arguments.bind(name, "part", "start", "end");
        String part = bound.text(0);
        int size = Text.length(text);
        int from = clamp(bound.get(1, None.NONE), 0, size);
        int to = clamp(bound.get(2, None.NONE), size, size);
        long position = -1;
        if (from <= to) {
            String window = text.substring(text.offsetByCodePoints(0, from), text.offsetByCodePoints(0, to));
            int at = last ? Search.last(window, part) : Search.first(window, part, 0);
            position = at < 0 ? -1 : from + window.codePointCount(0, at);
        }
        if (position < 0 && name.endsWith("index")) {
            throw Failure.of("substring not found");
        }
        return position;
    }

    private static int clamp(Object bound, int otherwise, int size) {
        if (bound == None.NONE) {
            return otherwise;
        }
        long value = Types.integer(bound);
        return Math.clamp(value < 0 ? value + size : value, 0, size);
    }

    private static Object count(String text, String part) {
        if (part.isEmpty()) {
            return (long) Text.length(text) + 1;
        }
        long count = 0;
        for (int at = Search.first(text, part, 0); at >= 0; at = Search.first(text, part, at + part.length())) {
            count++;
        }
        return count;
    }

    private Object split(String text, Arguments.Bound bound, String name) {
        long most = bound.integer(1, -1);
        boolean end = name.equals("rsplit");
        budget.spend(text.length());
        if (bound.get(0, None.NONE) == None.NONE) {
            return end ? Text.wordsFromEnd(text, most, budget) : Text.words(text, most, budget);
        }
        String separator = bound.text(0);
        if (separator.isEmpty()) {
            throw Failure.of("empty separator");
        }
        return end ? Text.splitFromEnd(text, separator, most, budget) : Text.split(text, separator, most, budget);
    }

    private static Object partition(String text, String separator, String name) {
        if (separator.isEmpty()) {
            throw Failure.of("empty separator");
        }
        boolean last = name.equals("rpartition");
        int at = last ? Search.last(text, separator) : Search.first(text, separator, 0);
        if (at < 0) {
            return Tuple.of(last ? List.of("", "", text) : List.of(text, "", ""));
        }
        return Tuple.of(List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
    }

    private static Object strip(String text, Arguments.Bound bound, boolean start, boolean end) {
        if (bound.get(0, None.NONE) != None.NONE) {
            return Text.strip(text, bound.text(0), start, end);
        }
        String stripped = start ? PyChars.stripStart(text) : text;
        return end ? PyChars.stripEnd(stripped) : stripped;
    }

    private Object join(String separator, List<Object> items) {
        StringBuilder out = new StringBuilder();
        String before = "";
        for (Object item : items) {
            String piece = Types.text(item, "join");
            budget.spend((long) before.length() + piece.length());
            budget.checkLength((long) out.length() + before.length() + piece.length());
            out.append(before).append(piece);
            before = separator;
        }
        return out.toString();
    }

    private Object expandTabs(String text, long size) {
        StringBuilder out = new StringBuilder();
        long column = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\t') {
                long spaces = size > 0 ? size - column % size : 0;
                out.append(Text.repeated(" ", spaces, budget));
                column += spaces;
            } else {
                out.append(c);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
        }
        return out.toString();
    }
}
