package lorikeet.runtime.text;

import lorikeet.runtime.text.jinja.TemplateException;
import org.jspecify.annotations.Nullable;

/**
 * A chat template can't be read, parsed or rendered. The message names the template's file and, where there is one, the
 * line.
 */
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong. */
    public enum Kind {
        /** There is no template, or its file is malformed. */
        INVALID_FILE,
        /** The template isn't written in the supported part of Jinja. */
        SYNTAX,
        /** An expression of the template has no value for this chat. */
        EVALUATION,
        /**
         * The template refuses this chat with {@code raise_exception}; {@link #problem()} is its own text, fit to be
         * shown to whoever sent the chat.
         */
        REFUSED,
        /** Rendering takes more work, space or depth than allowed. */
        LIMIT
    }

    private final Kind kind;
    private final String problem;
    private final int line;

    ChatTemplateException(Kind kind, String source, String problem, int line, @Nullable Throwable cause) {
        super(source + (line > 0 ? ", line " + line : "") + ": " + problem, cause);
        this.kind = kind;
        this.problem = problem;
        this.line = line;
    }

    static ChatTemplateException of(TemplateException e, String source) {
        Kind kind = switch (e.kind()) {
            case SYNTAX -> Kind.SYNTAX;
            case EVALUATION -> Kind.EVALUATION;
            case RAISED -> Kind.REFUSED;
            case LIMIT -> Kind.LIMIT;
        };
        return new ChatTemplateException(kind, source, e.problem(), e.line(), e);
    }

    public Kind kind() {
        return kind;
    }

    /** The message without file and line. */
    public String problem() {
        return problem;
    }

    /** The line in the template, from 1; 0 if there is none. */
    public int line() {
        return line;
    }
}
