package lorikeet.runtime.text.jinja;

/**
 * Bounds of one rendering.
 *
 * @param work units of work: about one for each node evaluated, each byte of text or of lists that is made, and each ten
 *     nanoseconds of what is dearer
 * @param characters the longest text, output or intermediate
 * @param depth nested macro calls, and nesting of values that are printed
 */
public record Limits(long work, int characters, int depth) {
    /** Room for a chat of tens of megabytes; a hostile template ends within seconds and some hundred megabytes. */
    public static final Limits DEFAULT = new Limits(200_000_000, 64_000_000, 200);
}
