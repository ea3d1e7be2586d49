package lorikeet.runtime.text.jinja;

/** Finds where a number literal of a template ends. Digits may be grouped by single underscores. */
final class NumberScan {
    private NumberScan() {}

    /** The end of the number that begins at {@code from}, which holds a digit. */
    static int end(String source, int from) {
        if (source.charAt(from) == '0' && from + 1 < source.length()) {
            int radix = switch (source.charAt(from + 1)) {
                case 'x', 'X' -> 16;
                case 'o', 'O' -> 8;
                case 'b', 'B' -> 2;
                default -> 0;
            };
            if (radix != 0) {
                int end = digits(source, from + 2, radix, true);
                if (end > from + 2) {
                    return end;
                }
            }
        }
        int whole = digits(source, from, 10, false);
        int end = whole;
        // In a.0.5 the digits are two subscripts.
        if (from > 0 && source.charAt(from - 1) == '.') {
            return whole;
        }
        if (digitAt(source, end + 1) && source.charAt(end) == '.') {
            end = digits(source, end + 1, 10, false);
        }
        if (end < source.length() && (source.charAt(end) == 'e' || source.charAt(end) == 'E')) {
            int exponent = end + 1;
            if (exponent < source.length() && (source.charAt(exponent) == '+' || source.charAt(exponent) == '-')) {
                exponent++;
            }
            if (digitAt(source, exponent)) {
                end = digits(source, exponent, 10, false);
            }
        }
        return end;
    }

    /** Whether the number between these positions is a float. */
    static boolean isFloat(String source, int from, int end) {
        String text = source.substring(from, end);
        return !text.startsWith("0x")
                && !text.startsWith("0X")
                && (text.indexOf('.') >= 0 || text.indexOf('e') >= 0 || text.indexOf('E') >= 0);
    }

    private static int digits(String source, int from, int radix, boolean underscoreFirst) {
        int i = from;
        boolean underscore = !underscoreFirst;
        while (i < source.length()) {
            char c = source.charAt(i);
            if (c < 0x80 && Character.digit(c, radix) >= 0) {
                underscore = false;
            } else if (c != '_' || underscore) {
                break;
            } else {
                underscore = true;
            }
            i++;
        }
        return i > from && source.charAt(i - 1) == '_' ? i - 1 : i;
    }

    private static boolean digitAt(String source, int at) {
        return at < source.length() && PyChars.isDigit(source.charAt(at));
    }
}
