package lorikeet.runtime.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement of a template. */
sealed interface Stmt {
    /** Where it begins, from 1. */
    int line();

    record Text(String text, int line) implements Stmt {}

    record Print(Expr value, int line) implements Stmt {}

    record If(List<Branch> branches, List<Stmt> otherwise, int line) implements Stmt {
        record Branch(Expr test, List<Stmt> body) {}
    }

    /**
     * A loop.
     *
     * @param recursive whether the body may call the loop again for other items
     * @param otherwise what is rendered if there is nothing to loop over
     */
    record For(
            Target target,
            Expr items,
            @Nullable Expr filter,
            boolean recursive,
            List<Stmt> body,
            List<Stmt> otherwise,
            int line)
            implements Stmt {}

    record Set(Target target, Expr value, int line) implements Stmt {}

    record SetBlock(Target target, List<Expr.Filter> filters, List<Stmt> body, int line) implements Stmt {}

    record DefineMacro(MacroCode code, int line) implements Stmt {}

    /** {@code call}: calls a macro that can call the body back. */
    record CallBlock(MacroCode body, Expr.Call call, int line) implements Stmt {}

    record FilterBlock(List<Expr.Filter> filters, List<Stmt> body, int line) implements Stmt {}

    record With(List<Target> targets, List<Expr> values, List<Stmt> body, int line) implements Stmt {}

    /** Statements with a scope of their own: {@code generation}, by which templates mark what the assistant said. */
    record Block(List<Stmt> body, int line) implements Stmt {}

    record Break(int line) implements Stmt {}

    record Continue(int line) implements Stmt {}

    /** What can be assigned to. */
    sealed interface Target {
        record Name(String name) implements Target {}

        record Several(List<Target> targets) implements Target {}

        record NamespaceField(String namespace, String field) implements Target {}
    }

    /**
     * A macro, or the body of a call block.
     *
     * @param defaults for the last parameters
     * @param readsExtraPositional whether it mentions {@code varargs}, so that it accepts more arguments than named
     * @param readsExtraNamed the same for {@code kwargs}
     * @param readsCaller the same for {@code caller}
     */
    record MacroCode(
            String name,
            List<String> parameters,
            List<Expr> defaults,
            List<Stmt> body,
            boolean readsExtraPositional,
            boolean readsExtraNamed,
            boolean readsCaller) {}
}
