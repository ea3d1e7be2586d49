package lorikeet.runtime.text.jinja;

import org.jspecify.annotations.Nullable;

/** A template can't be parsed or rendered. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong. */
    public enum Kind {
        /** The text isn't a template in the supported part of Jinja. */
        SYNTAX,
        /** An expression has no value: undefined names, wrong types, refused operations. */
        EVALUATION,
        /** The template itself called {@code raise_exception}; the problem is its text, unchanged. */
        RAISED,
        /** The rendering exceeds a limit. */
        LIMIT
    }

    private final Kind kind;
    private final String problem;
    private final int line;

    TemplateException(Kind kind, String problem, int line, @Nullable Throwable cause) {
        super("line " + line + ": " + problem, cause);
        this.kind = kind;
        this.problem = problem;
        this.line = line;
    }

    static TemplateException syntax(String problem, int line) {
        return new TemplateException(Kind.SYNTAX, problem, line, null);
    }

    public Kind kind() {
        return kind;
    }

    /** The message without the line. */
    public String problem() {
        return problem;
    }

    /** The line in the template, from 1. */
    public int line() {
        return line;
    }
}
