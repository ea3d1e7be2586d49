package lorikeet.runtime.text.jinja;

/** A problem met while rendering, before the line is known. */
final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final TemplateException.Kind kind;

    Failure(TemplateException.Kind kind, String problem) {
        super(problem, null, false, false);
        this.kind = kind;
    }

    static Failure of(String problem) {
        return new Failure(TemplateException.Kind.EVALUATION, problem);
    }

    static Failure limit(String problem) {
        return new Failure(TemplateException.Kind.LIMIT, problem);
    }

    TemplateException at(int line) {
        return new TemplateException(kind, String.valueOf(getMessage()), line, this);
    }
}
