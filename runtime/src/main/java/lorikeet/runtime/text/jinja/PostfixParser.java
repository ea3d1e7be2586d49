package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Parses what may stand behind a value: attributes, subscripts, calls, filters and tests. */
final class PostfixParser {
    private final TokenStream stream;
    private final ExpressionParser expressions;
    private final PrimaryParser primary;

    /** Parses from a stream, arguments and keys with {@code expressions}. */
    PostfixParser(TokenStream stream, ExpressionParser expressions, PrimaryParser primary) {
        this.stream = stream;
        this.expressions = expressions;
        this.primary = primary;
    }

    /** What stands behind a value, filters and tests excepted. */
    Expr parse(Expr value) {
        Expr target = value;
        for (int links = 0; ; stream.checkChain(++links)) {
            if (stream.isOperator(".") || stream.isOperator("[")) {
                target = subscript(target);
            } else if (stream.isOperator("(")) {
                target = new Expr.Call(target, arguments(), stream.line());
            } else {
                return target;
            }
        }
    }

    Expr filtersAndTests(Expr value) {
        Expr target = value;
        for (int links = 0; ; stream.checkChain(++links)) {
            if (stream.isOperator("|")) {
                stream.next();
                target = filter(target);
            } else if (stream.isName("is")) {
                target = test(target);
            } else if (stream.isOperator("(")) {
                target = new Expr.Call(target, arguments(), stream.line());
            } else {
                return target;
            }
        }
    }

    private Expr subscript(Expr target) {
        int line = stream.line();
        if (stream.skipOperator(".")) {
            if (stream.current().type() == Token.Type.INTEGER) {
                return new Expr.Item(target, new Expr.Literal(primary.integer(stream.next()), line), line);
            }
            return new Expr.Attribute(target, stream.expectName(), line);
        }
        stream.expectOperator("[");
        List<Expr> keys = new ArrayList<>();
        Expr found = subscripted(target, line);
        if (found instanceof Expr.Slice) {
            stream.expectOperator("]");
            return found;
        }
        keys.add(found);
        while (stream.skipOperator(",")) {
            keys.add(expressions.expression());
        }
        stream.expectOperator("]");
        return new Expr.Item(target, keys.size() == 1 ? keys.getFirst() : new Expr.TupleOf(keys, line), line);
    }

    /** A key, or a slice of the target. */
    private Expr subscripted(Expr target, int line) {
        Expr start = null;
        if (!stream.isOperator(":")) {
            start = expressions.expression();
            if (!stream.isOperator(":")) {
                return start;
            }
        }
        stream.expectOperator(":");
        Expr stop = sliceBound();
        Expr step = stream.skipOperator(":") ? sliceBound() : null;
        return new Expr.Slice(target, start, stop, step, line);
    }

    private @Nullable Expr sliceBound() {
        return stream.isOperator(":") || stream.isOperator("]") ? null : expressions.expression();
    }

    /** A filter's name and arguments, behind the bar. */
    Expr.Filter filter(@Nullable Expr input) {
        int line = stream.line();
        String name = dottedName();
        Expr.CallArguments arguments = stream.isOperator("(") ? arguments() : Expr.CallArguments.NONE;
        return new Expr.Filter(input, name, arguments, line);
    }

    private Expr test(Expr input) {
        int line = stream.line();
        stream.expectName("is");
        boolean negated = stream.skipName("not");
        String name = dottedName();
        Expr.CallArguments arguments = Expr.CallArguments.NONE;
        if (stream.isOperator("(")) {
            arguments = arguments();
        } else if (startsTestArgument()) {
            if (stream.isName("is")) {
                throw stream.fail("tests can't be chained with 'is'");
            }
            stream.enter();
            arguments = new Expr.CallArguments(List.of(parse(primary.parse())), List.of(), null, null);
            stream.leave();
        }
        Expr test = new Expr.Test(input, name, arguments, line);
        return negated ? new Expr.Unary(Expr.Unary.Operator.NOT, test, line) : test;
    }

    private boolean startsTestArgument() {
        return switch (stream.current().type()) {
            case NAME -> !stream.isName("else") && !stream.isName("or") && !stream.isName("and");
            case STRING, INTEGER, FLOAT -> true;
            default -> stream.isOperator("[") || stream.isOperator("{");
        };
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(stream.expectName());
        while (stream.skipOperator(".")) {
            name.append('.').append(stream.expectName());
        }
        return name.toString();
    }

    private Expr.CallArguments arguments() {
        stream.expectOperator("(");
        stream.enter();
        List<Expr> positional = new ArrayList<>();
        List<Expr.CallArguments.Named> named = new ArrayList<>();
        Expr star = null;
        Expr starStar = null;
        boolean first = true;
        while (!stream.isOperator(")")) {
            if (!first) {
                stream.expectOperator(",");
                if (stream.isOperator(")")) {
                    break;
                }
            }
            first = false;
            if (stream.skipOperator("*")) {
                require(star == null && starStar == null);
                star = expressions.expression();
            } else if (stream.skipOperator("**")) {
                require(starStar == null);
                starStar = expressions.expression();
            } else if (stream.current().type() == Token.Type.NAME
                    && stream.following().is(Token.Type.OPERATOR, "=")) {
                require(starStar == null);
                String name = stream.next().text();
                stream.next();
                named.add(new Expr.CallArguments.Named(name, expressions.expression()));
            } else {
                require(star == null && starStar == null && named.isEmpty());
                positional.add(expressions.expression());
            }
        }
        stream.expectOperator(")");
        stream.leave();
        return new Expr.CallArguments(positional, named, star, starStar);
    }

    private void require(boolean inOrder) {
        if (!inOrder) {
            throw stream.fail("arguments in an order that isn't allowed");
        }
    }
}
