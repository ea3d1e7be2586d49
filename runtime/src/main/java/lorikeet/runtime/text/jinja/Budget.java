package lorikeet.runtime.text.jinja;

/** What is left of the {@link Limits} of one rendering. */
final class Budget {
    private final Limits limits;
    private long left;
    private int depth;

    Budget(Limits limits) {
        this.limits = limits;
        this.left = limits.work();
    }

    /** To be called before the work is done or the memory is taken. */
    void spend(long work) {
        left -= work;
        if (left < 0) {
            throw Failure.limit("the rendering takes more than " + limits.work() + " units of work");
        }
    }

    /** Like {@link #spend} for a text of this length. */
    void text(long characters) {
        checkLength(characters);
        spend(characters);
    }

    /** For a list of so many elements: a unit for each byte that it takes. */
    void elements(long count) {
        spend(4 * count);
    }

    /** For so many texts of their own, however short. */
    void characters(long count) {
        spend(16 * count);
    }

    void checkLength(long characters) {
        if (characters > limits.characters()) {
            throw Failure.limit("a text of " + characters + " characters; the limit is " + limits.characters());
        }
    }

    /** Accounts for a text that exists already. */
    String produced(String text) {
        text(text.length());
        return text;
    }

    void enter() {
        if (++depth > limits.depth()) {
            throw Failure.limit("nested deeper than " + limits.depth());
        }
    }

    void leave() {
        depth--;
    }
}
