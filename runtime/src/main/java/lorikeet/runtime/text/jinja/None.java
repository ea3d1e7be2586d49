package lorikeet.runtime.text.jinja;

/** Python's {@code None}. */
enum None {
    NONE;

    @Override
    public String toString() {
        return "None";
    }
}
