package lorikeet.runtime.text.jinja;

/**
 * The value of a name or attribute that doesn't exist. It prints as nothing, is false and empty; any other use fails.
 *
 * @param problem what is undefined
 */
record Undefined(String problem) {
    /** Longer names are cut in messages: one is made at every look-up, though few are ever read. */
    private static final int LONGEST_NAME = 100;

    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    static Undefined attribute(Object of, String name) {
        String owner = of == None.NONE ? "'None'" : "'" + Types.name(of) + " object'";
        String shown = name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "...";
        return new Undefined(owner + " has no attribute '" + shown + "'");
    }

    Failure failure() {
        return Failure.of(problem);
    }
}
