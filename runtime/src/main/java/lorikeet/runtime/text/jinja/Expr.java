package lorikeet.runtime.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression of a template. */
sealed interface Expr {
    /** Where it begins, from 1. */
    int line();

    record Literal(Object value, int line) implements Expr {}

    record Name(String name, int line) implements Expr {}

    record ListOf(List<Expr> items, int line) implements Expr {}

    record TupleOf(List<Expr> items, int line) implements Expr {}

    record DictOf(List<Entry> entries, int line) implements Expr {
        record Entry(Expr key, Expr value) {}
    }

    record Unary(Unary.Operator operator, Expr operand, int line) implements Expr {
        enum Operator {
            NOT,
            MINUS,
            PLUS
        }
    }

    record Binary(Binary.Operator operator, Expr left, Expr right, int line) implements Expr {
        enum Operator {
            ADD("+"),
            SUBTRACT("-"),
            MULTIPLY("*"),
            DIVIDE("/"),
            FLOOR_DIVIDE("//"),
            MODULO("%"),
            POWER("**");

            private final String sign;

            Operator(String sign) {
                this.sign = sign;
            }

            String sign() {
                return sign;
            }
        }
    }

    /** {@code and} or {@code or}: the value of one of its sides. */
    record Logic(boolean and, Expr left, Expr right, int line) implements Expr {}

    /** A chain such as {@code a < b <= c}. */
    record Compare(Expr first, List<Link> links, int line) implements Expr {
        record Link(String operator, Expr operand) {}
    }

    /** {@code ~}: all parts as text. */
    record Concat(List<Expr> parts, int line) implements Expr {}

    record Conditional(Expr test, Expr yes, @Nullable Expr no, int line) implements Expr {}

    record Attribute(Expr target, String name, int line) implements Expr {}

    record Item(Expr target, Expr key, int line) implements Expr {}

    record Slice(
            Expr target,
            @Nullable Expr start,
            @Nullable Expr stop,
            @Nullable Expr step,
            int line) implements Expr {}

    record Call(Expr function, CallArguments arguments, int line) implements Expr {}

    /** {@code input | name(arguments)}; the input of a filter block comes from its body. */
    record Filter(@Nullable Expr input, String name, CallArguments arguments, int line) implements Expr {}

    /** {@code input is name(arguments)}. */
    record Test(Expr input, String name, CallArguments arguments, int line) implements Expr {}

    /** The arguments of a call as written, with {@code *rest} and {@code **named}. */
    record CallArguments(
            List<Expr> positional,
            List<Named> named,
            @Nullable Expr star,
            @Nullable Expr starStar) {
        static final CallArguments NONE = new CallArguments(List.of(), List.of(), null, null);

        record Named(String name, Expr value) {}
    }
}
