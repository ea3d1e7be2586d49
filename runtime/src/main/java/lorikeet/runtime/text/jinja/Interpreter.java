package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Executes the statements of one rendering. */
final class Interpreter {
    private enum Flow {
        ON,
        BREAK,
        CONTINUE
    }

    private final Budget budget;
    private final Evaluator evaluator;

    Interpreter(Budget budget) {
        this.budget = budget;
        this.evaluator = new Evaluator(budget);
    }

    /** The line being executed. */
    int line() {
        return evaluator.line();
    }

    Object evaluate(Expr expr, Scope scope) {
        return evaluator.evaluate(expr, scope);
    }

    /** The text that statements give. */
    String render(List<Stmt> body, Scope scope) {
        budget.enter();
        StringBuilder out = new StringBuilder();
        execute(body, scope, out);
        budget.leave();
        return out.toString();
    }

    private Flow execute(List<Stmt> body, Scope scope, StringBuilder out) {
        for (Stmt statement : body) {
            budget.spend(1);
            evaluator.at(statement.line());
            Flow flow = execute(statement, scope, out);
            if (flow != Flow.ON) {
                return flow;
            }
        }
        return Flow.ON;
    }

    private Flow execute(Stmt statement, Scope scope, StringBuilder out) {
        switch (statement) {
            case Stmt.Text text -> write(text.text(), out);
            case Stmt.Print print -> write(Printing.str(evaluate(print.value(), scope), budget), out);
            case Stmt.If branches -> {
                return executeIf(branches, scope, out);
            }
            case Stmt.For loop -> {
                return executeFor(loop, evaluate(loop.items(), scope), scope, 1, out);
            }
            case Stmt.Set set -> assign(set.target(), evaluate(set.value(), scope), scope);
            case Stmt.SetBlock set -> {
                String text = render(set.body(), new Scope(scope));
                assign(set.target(), filtered(set.filters(), text, scope), scope);
            }
            case Stmt.DefineMacro macro -> scope.set(macro.code().name(), new Macro(macro.code(), scope, this));
            case Stmt.CallBlock block -> {
                Macro caller = new Macro(block.body(), scope, this);
                Object text = evaluator.call(block.call(), scope, Map.of("caller", caller));
                write(Printing.str(text, budget), out);
            }
            case Stmt.FilterBlock block -> {
                Object text = filtered(block.filters(), render(block.body(), new Scope(scope)), scope);
                write(Printing.str(text, budget), out);
            }
            case Stmt.With with -> {
                Scope inner = new Scope(scope);
                for (int i = 0; i < with.targets().size(); i++) {
                    assign(with.targets().get(i), evaluate(with.values().get(i), scope), inner);
                }
                return execute(with.body(), inner, out);
            }
            case Stmt.Block block -> write(render(block.body(), new Scope(scope)), out);
            case Stmt.Break b -> {
                return Flow.BREAK;
            }
            case Stmt.Continue c -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.ON;
    }

    private void write(String text, StringBuilder out) {
        budget.spend(text.length());
        budget.checkLength((long) out.length() + text.length());
        out.append(text);
    }

    private Flow executeIf(Stmt.If branches, Scope scope, StringBuilder out) {
        for (Stmt.If.Branch branch : branches.branches()) {
            if (Types.truth(evaluate(branch.test(), scope))) {
                return execute(branch.body(), scope, out);
            }
        }
        return execute(branches.otherwise(), scope, out);
    }

    private Flow executeFor(Stmt.For loop, Object iterable, Scope scope, int depth, StringBuilder out) {
        List<Object> items = Types.iterate(iterable, budget);
        if (loop.filter() != null) {
            List<Object> kept = new ArrayList<>();
            for (Object item : items) {
                Scope inner = new Scope(scope);
                assign(loop.target(), item, inner);
                if (Types.truth(evaluate(loop.filter(), inner))) {
                    kept.add(item);
                }
            }
            items = kept;
        }
        if (items.isEmpty()) {
            return execute(loop.otherwise(), new Scope(scope), out);
        }
        LoopState state = new LoopState(items, depth, arguments -> recur(loop, arguments, scope, depth), budget);
        for (int i = 0; i < items.size(); i++) {
            budget.spend(1);
            state.at(i);
            Scope inner = new Scope(scope);
            inner.set("loop", state);
            assign(loop.target(), items.get(i), inner);
            if (execute(loop.body(), inner, out) == Flow.BREAK) {
                break;
            }
        }
        return Flow.ON;
    }

    /** What a call of the {@code loop} variable gives: the loop's text for other items. */
    private Object recur(Stmt.For loop, Arguments arguments, Scope scope, int depth) {
        if (!loop.recursive()) {
            throw Failure.of("the loop must have the 'recursive' marker to be called");
        }
        Object iterable = arguments.bind("loop", "iterable").get(0);
        StringBuilder out = new StringBuilder();
        executeFor(loop, iterable, scope, depth + 1, out);
        return out.toString();
    }

    private Object filtered(List<Expr.Filter> filters, Object input, Scope scope) {
        Object value = input;
        for (Expr.Filter filter : filters) {
            value = evaluator.filter(filter, value, scope);
        }
        return value;
    }

    private void assign(Stmt.Target target, Object value, Scope scope) {
        switch (target) {
            case Stmt.Target.Name name -> scope.set(name.name(), value);
            case Stmt.Target.NamespaceField field -> {
                if (!(scope.find(field.namespace()) instanceof Namespace namespace)) {
                    throw Failure.of("cannot assign attribute on non-namespace object '" + field.namespace() + "'");
                }
                namespace.fields().put(field.field(), value);
            }
            case Stmt.Target.Several several -> {
                List<Object> values = Types.iterate(value, budget);
                if (value instanceof Undefined u) {
                    throw u.failure();
                }
                if (values.size() != several.targets().size()) {
                    throw Failure.of(
                            several.targets().size() + " values expected for unpacking, found " + values.size());
                }
                for (int i = 0; i < values.size(); i++) {
                    assign(several.targets().get(i), values.get(i), scope);
                }
            }
        }
    }
}
