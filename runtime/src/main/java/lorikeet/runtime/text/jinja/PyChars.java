package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** What Python counts as white space, lines and digits, where Java differs. */
final class PyChars {
    private PyChars() {}

    /** {@code str.isspace} for one character; all of them lie in the basic plane. */
    static boolean isSpace(int c) {
        return switch (c) {
            case ' ', 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000 -> true;
            default -> (c >= 9 && c <= 13) || (c >= 28 && c <= 31) || (c >= 0x2000 && c <= 0x200A);
        };
    }

    static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    static String strip(String text) {
        return stripStart(stripEnd(text));
    }

    static String stripStart(String text) {
        int from = 0;
        while (from < text.length() && isSpace(text.charAt(from))) {
            from++;
        }
        return text.substring(from);
    }

    static String stripEnd(String text) {
        int to = text.length();
        while (to > 0 && isSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(0, to);
    }

    /** {@code str.split()}: the words between white space. */
    static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        int i = 0;
        while (true) {
            while (i < text.length() && isSpace(text.charAt(i))) {
                i++;
            }
            if (i == text.length()) {
                return words;
            }
            int from = i;
            while (i < text.length() && !isSpace(text.charAt(i))) {
                i++;
            }
            words.add(text.substring(from, i));
        }
    }

    /** {@code str.splitlines(keepends)}. */
    static List<String> lines(String text, boolean keepEnds) {
        List<String> lines = new ArrayList<>();
        int from = 0;
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i++);
            if (!isLineEnd(c)) {
                continue;
            }
            int end = i - 1;
            if (c == '\r' && i < text.length() && text.charAt(i) == '\n') {
                i++;
            }
            lines.add(text.substring(from, keepEnds ? i : end));
            from = i;
        }
        if (from < text.length()) {
            lines.add(text.substring(from));
        }
        return lines;
    }

    private static boolean isLineEnd(char c) {
        return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
    }
}
