package lorikeet.runtime.text.jinja;

/**
 * A piece of a template.
 *
 * @param text what it says: the text of {@code DATA} and {@code STRING} with escapes resolved, otherwise as written
 * @param line where it begins, from 1
 */
record Token(Type type, String text, int line) {
    enum Type {
        DATA,
        PRINT_BEGIN,
        PRINT_END,
        BLOCK_BEGIN,
        BLOCK_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Type type, String text) {
        return this.type == type && this.text.equals(text);
    }

    String described() {
        return switch (type) {
            case DATA -> "template text";
            case PRINT_BEGIN -> "'{{'";
            case PRINT_END -> "end of print statement";
            case BLOCK_BEGIN -> "'{%'";
            case BLOCK_END -> "end of statement block";
            case END -> "end of template";
            default -> "'" + text + "'";
        };
    }
}
