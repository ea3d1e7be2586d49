package lorikeet.runtime.text;

/** Java strings that are no valid Unicode, made so. */
final class Surrogates {
    private Surrogates() {}

    /**
     * The text with U+FFFD for every surrogate that has no partner. UTF-8 can't express those, and the way into the
     * native library would spoil the characters around them.
     */
    static String replaceLone(String text) {
        int i = 0;
        while (i < text.length() && !Character.isSurrogate(text.charAt(i))) {
            i++;
        }
        if (i == text.length()) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length()).append(text, 0, i);
        while (i < text.length()) {
            int c = text.codePointAt(i);
            boolean lone = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
            out.appendCodePoint(lone ? 0xFFFD : c);
            i += Character.charCount(c);
        }
        return out.toString();
    }

    /** True if there is no lone surrogate in a text. */
    static boolean areWhole(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                return false;
            }
        }
        return true;
    }
}
