package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** Operations on text that count characters, not UTF-16 units. */
final class Text {
    private Text() {}

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return titled(text.codePointAt(0)) + lower(text.substring(first));
    }

    private static String titled(int c) {
        int title = Character.toTitleCase(c);
        return title != c || Character.isTitleCase(c) ? Character.toString(title) : upper(Character.toString(c));
    }

    /** {@code str.title}: the first letter of every run of letters is large, the others small. */
    static String title(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean inWord = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            out.append(inWord ? lower(Character.toString(c)) : titled(c));
            inWord = isCased(c);
        }
        return out.toString();
    }

    static String swapCase(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(c -> out.append(
                        Character.isUpperCase(c) ? lower(Character.toString(c)) : upper(Character.toString(c))));
        return out.toString();
    }

    private static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    /** Whether there are cased characters and all are of this case. */
    static boolean isAll(String text, IntPredicate wanted) {
        boolean any = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            if (isCased(c)) {
                if (!wanted.test(c)) {
                    return false;
                }
                any = true;
            }
        }
        return any;
    }

    static boolean isTitle(String text) {
        return isAll(text, c -> true) && text.equals(title(text));
    }

    static boolean allMatch(String text, IntPredicate predicate) {
        return !text.isEmpty() && text.codePoints().allMatch(predicate);
    }

    /** Takes characters of this set off the ends. */
    static String strip(String text, String set, boolean start, boolean end) {
        BitSet members = new BitSet();
        set.codePoints().forEach(members::set);
        int from = 0;
        int to = text.length();
        while (start && from < to && members.get(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && from < to && members.get(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    /** {@code str.split(separator, most)}; a negative {@code most} sets no limit. */
    static List<Object> split(String text, String separator, long most, Budget budget) {
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int at = Search.first(text, separator, 0);
                at >= 0 && parts.size() != most;
                at = Search.first(text, separator, from)) {
            budget.characters(1);
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    static List<Object> splitFromEnd(String text, String separator, long most, Budget budget) {
        return mirrored(split(Search.reversed(text), Search.reversed(separator), most, budget));
    }

    /** {@code str.split(None, most)}: the words, and the rest of the text as the last one once there are that many. */
    static List<Object> words(String text, long most, Budget budget) {
        List<Object> words = new ArrayList<>();
        int at = skip(text, 0, true);
        while (at < text.length() && words.size() != most) {
            budget.characters(1);
            int end = skip(text, at, false);
            words.add(text.substring(at, end));
            at = skip(text, end, true);
        }
        if (at < text.length()) {
            words.add(PyChars.stripEnd(text.substring(at)));
        }
        return words;
    }

    static List<Object> wordsFromEnd(String text, long most, Budget budget) {
        return mirrored(words(Search.reversed(text), most, budget));
    }

    /** The position behind the white space, or behind what isn't, that begins here. */
    private static int skip(String text, int from, boolean space) {
        int at = from;
        while (at < text.length() && PyChars.isSpace(text.charAt(at)) == space) {
            at++;
        }
        return at;
    }

    private static List<Object> mirrored(List<Object> texts) {
        List<Object> mirrored = new ArrayList<>(texts.size());
        for (Object text : texts.reversed()) {
            mirrored.add(Search.reversed((String) text));
        }
        return mirrored;
    }

    /** {@code str.replace(from, to, most)}; a negative {@code most} sets no limit. */
    static String replace(String text, String from, String to, long most, Budget budget) {
        long left = most < 0 ? Long.MAX_VALUE : most;
        StringBuilder out = new StringBuilder();
        int at = 0;
        if (from.isEmpty()) {
            while (left-- > 0) {
                append(out, to, budget);
                if (at == text.length()) {
                    return out.toString();
                }
                int next = text.offsetByCodePoints(at, 1);
                append(out, text.substring(at, next), budget);
                at = next;
            }
        } else {
            for (int found = Search.first(text, from, 0);
                    found >= 0 && left-- > 0;
                    found = Search.first(text, from, at)) {
                append(out, text.substring(at, found), budget);
                append(out, to, budget);
                at = found + from.length();
            }
        }
        append(out, text.substring(at), budget);
        return out.toString();
    }

    private static void append(StringBuilder out, String text, Budget budget) {
        budget.spend(1L + text.length());
        budget.checkLength((long) out.length() + text.length());
        out.append(text);
    }

    /** So many of one character, as padding. */
    static String repeated(String fill, long count, Budget budget) {
        if (length(fill) != 1) {
            throw Failure.of("the fill character must be exactly one character long");
        }
        budget.text(Math.max(0, count));
        return fill.repeat((int) Math.max(0, count));
    }

    static String center(String text, long width, String fill, Budget budget) {
        long missing = width - length(text);
        if (missing <= 0) {
            return text;
        }
        // CPython's unicode_center.
        long left = missing / 2 + (missing & width & 1);
        return repeated(fill, left, budget) + text + repeated(fill, missing - left, budget);
    }
}
