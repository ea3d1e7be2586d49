package lorikeet.runtime.text.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/** A parsed template. Immutable; may be rendered by several threads at once. */
public final class Template {
    private final List<Stmt> body;

    private Template(List<Stmt> body) {
        this.body = body;
    }

    /** Parses a template; throws a {@link TemplateException} of the kind SYNTAX or LIMIT. */
    public static Template parse(String text) {
        try {
            return new Template(Parser.parse(text));
        } catch (Failure e) {
            throw e.at(1);
        } catch (StackOverflowError e) {
            throw new TemplateException(TemplateException.Kind.LIMIT, "nested too deep", 1, e);
        }
    }

    /**
     * Renders the template.
     *
     * @param variables null, {@code Boolean}, {@code Integer}, {@code Long}, {@code BigInteger}, {@code Float}, {@code
     *     Double}, strings, and lists and maps of those; nothing of it is changed
     * @param clock what {@code strftime_now} reads, in its time zone
     * @throws TemplateException of any kind but SYNTAX
     */
    public String render(Map<String, ?> variables, Limits limits, Clock clock) {
        Budget budget = new Budget(limits);
        Interpreter interpreter = new Interpreter(budget);
        try {
            Scope globals = Globals.scope(budget, clock);
            Scope context = new Scope(globals);
            variables.forEach((name, value) -> context.set(name, Import.value(value, budget)));
            return interpreter.render(body, new Scope(context));
        } catch (Failure e) {
            throw e.at(interpreter.line());
        } catch (StackOverflowError e) {
            throw new TemplateException(TemplateException.Kind.LIMIT, "nested too deep", interpreter.line(), e);
        } catch (ArithmeticException e) {
            throw new TemplateException(
                    TemplateException.Kind.EVALUATION, "an integer is too large here", interpreter.line(), e);
        }
    }
}
