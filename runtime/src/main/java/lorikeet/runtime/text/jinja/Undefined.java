package lorikeet.runtime.text.jinja;

/**
 * The value of a name or attribute that doesn't exist. It prints as nothing, is false and empty; any other use fails.
 *
 * @param problem what is undefined
 */
record Undefined(String problem) {
    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    static Undefined attribute(Object of, String name) {
        String owner = of == None.NONE ? "'None'" : "'" + Types.name(of) + " object'";
        return new Undefined(owner + " has no attribute '" + name + "'");
    }

    Failure failure() {
        return Failure.of(problem);
    }
}
