package lorikeet.runtime.text.jinja;

/** The escapes of string literals, which are Python's. */
final class StringEscapes {
    private StringEscapes() {}

    static String resolve(String text, int line) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i++);
            if (c != '\\' || i == text.length()) {
                out.append(c);
                continue;
            }
            char escape = text.charAt(i++);
            switch (escape) {
                case '\n' -> {}
                case '\\', '\'', '"' -> out.append(escape);
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'v' -> out.append('\u000B');
                case 'x' -> i = hex(text, i, 2, out, line);
                case 'u' -> i = hex(text, i, 4, out, line);
                case 'U' -> i = hex(text, i, 8, out, line);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> i = octal(text, i - 1, out);
                default -> out.append('\\').append(escape);
            }
        }
        return out.toString();
    }

    private static int hex(String text, int from, int digits, StringBuilder out, int line) {
        try {
            long value = Long.parseLong(text, from, from + digits, 16);
            if (value <= Character.MAX_CODE_POINT && text.charAt(from) != '+' && text.charAt(from) != '-') {
                out.appendCodePoint((int) value);
                return from + digits;
            }
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            // Falls through to the error below.
        }
        throw TemplateException.syntax("a string has a malformed escape", line);
    }

    private static int octal(String text, int from, StringBuilder out) {
        int value = 0;
        int i = from;
        while (i < text.length() && i < from + 3 && text.charAt(i) >= '0' && text.charAt(i) <= '7') {
            value = value * 8 + text.charAt(i++) - '0';
        }
        out.appendCodePoint(value);
        return i;
    }
}
