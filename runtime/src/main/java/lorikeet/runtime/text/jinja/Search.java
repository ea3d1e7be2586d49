package lorikeet.runtime.text.jinja;

/** Finds text in text, in time that grows with the sum of their lengths even for texts chosen to be hard. */
final class Search {
    /** Up to here the plain search, which may look at each character this often, is the faster one. */
    private static final int SHORT = 32;

    private Search() {}

    /** The first occurrence that begins at {@code from} or later; -1 if there is none. */
    static int first(String text, String part, int from) {
        return part.length() <= SHORT || part.length() > text.length() - from
                ? text.indexOf(part, from)
                : knuthMorrisPratt(text, part, from);
    }

    /** The last occurrence; -1 if there is none. */
    static int last(String text, String part) {
        if (part.length() <= SHORT || part.length() > text.length()) {
            return text.lastIndexOf(part);
        }
        int fromEnd = knuthMorrisPratt(reversed(text), reversed(part), 0);
        return fromEnd < 0 ? -1 : text.length() - part.length() - fromEnd;
    }

    static String reversed(String text) {
        return new StringBuilder(text).reverse().toString();
    }

    private static int knuthMorrisPratt(String text, String part, int from) {
        int[] fallback = new int[part.length()];
        for (int i = 1, matched = 0; i < part.length(); i++) {
            while (matched > 0 && part.charAt(i) != part.charAt(matched)) {
                matched = fallback[matched - 1];
            }
            if (part.charAt(i) == part.charAt(matched)) {
                matched++;
            }
            fallback[i] = matched;
        }
        for (int i = from, matched = 0; i < text.length(); i++) {
            while (matched > 0 && text.charAt(i) != part.charAt(matched)) {
                matched = fallback[matched - 1];
            }
            if (text.charAt(i) == part.charAt(matched)) {
                matched++;
            }
            if (matched == part.length()) {
                return i + 1 - matched;
            }
        }
        return -1;
    }
}
