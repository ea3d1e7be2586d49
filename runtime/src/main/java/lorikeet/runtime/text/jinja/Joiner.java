package lorikeet.runtime.text.jinja;

/** What {@code joiner(...)} gives: nothing at its first call, the separator at each later one. */
final class Joiner implements Callable {
    private final Object separator;
    private boolean called;

    Joiner(Object separator) {
        this.separator = separator;
    }

    @Override
    public Object call(Arguments arguments) {
        arguments.bind("joiner");
        Object text = called ? separator : "";
        called = true;
        return text;
    }
}
