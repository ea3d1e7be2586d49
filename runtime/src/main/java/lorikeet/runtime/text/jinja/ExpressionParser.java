package lorikeet.runtime.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses expressions, from the loosest binding to the tightest. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Map<String, Expr.Binary.Operator> SUMS =
            Map.of("+", Expr.Binary.Operator.ADD, "-", Expr.Binary.Operator.SUBTRACT);
    private static final Map<String, Expr.Binary.Operator> PRODUCTS = Map.of(
            "*", Expr.Binary.Operator.MULTIPLY,
            "/", Expr.Binary.Operator.DIVIDE,
            "//", Expr.Binary.Operator.FLOOR_DIVIDE,
            "%", Expr.Binary.Operator.MODULO);
    private static final Map<String, Expr.Binary.Operator> POWERS = Map.of("**", Expr.Binary.Operator.POWER);

    private final TokenStream stream;

    ExpressionParser(TokenStream stream) {
        this.stream = stream;
    }

    Expr expression() {
        stream.enter();
        int line = stream.line();
        Expr value = or();
        int links = 0;
        while (stream.skipName("if")) {
            stream.checkChain(++links);
            Expr test = or();
            Expr no = stream.skipName("else") ? expression() : null;
            value = new Expr.Conditional(test, value, no, line);
        }
        stream.leave();
        return value;
    }

    /** One expression, or several with commas between, which make a tuple. */
    Expr tuple(boolean conditional) {
        int line = stream.line();
        List<Expr> items = new ArrayList<>();
        boolean comma = false;
        do {
            if (!items.isEmpty() && endsTuple()) {
                break;
            }
            items.add(conditional ? expression() : or());
        } while (stream.skipOperator(",") && (comma = true));
        return comma ? new Expr.TupleOf(items, line) : items.getFirst();
    }

    private boolean endsTuple() {
        return switch (stream.current().type()) {
            case PRINT_END, BLOCK_END -> true;
            default -> stream.isOperator(")");
        };
    }

    Expr or() {
        int line = stream.line();
        Expr left = and();
        for (int links = 0; stream.skipName("or"); stream.checkChain(++links)) {
            left = new Expr.Logic(false, left, and(), line);
        }
        return left;
    }

    private Expr and() {
        int line = stream.line();
        Expr left = not();
        for (int links = 0; stream.skipName("and"); stream.checkChain(++links)) {
            left = new Expr.Logic(true, left, not(), line);
        }
        return left;
    }

    private Expr not() {
        int line = stream.line();
        if (!stream.skipName("not")) {
            return comparison();
        }
        stream.enter();
        Expr operand = not();
        stream.leave();
        return new Expr.Unary(Expr.Unary.Operator.NOT, operand, line);
    }

    private Expr comparison() {
        int line = stream.line();
        Expr first = sum();
        List<Expr.Compare.Link> links = new ArrayList<>();
        while (true) {
            Token token = stream.current();
            if (token.type() == Token.Type.OPERATOR && COMPARISONS.contains(token.text())) {
                stream.next();
                links.add(new Expr.Compare.Link(token.text(), sum()));
            } else if (stream.skipName("in")) {
                links.add(new Expr.Compare.Link("in", sum()));
            } else if (stream.isName("not") && stream.following().is(Token.Type.NAME, "in")) {
                stream.next();
                stream.next();
                links.add(new Expr.Compare.Link("not in", sum()));
            } else {
                return links.isEmpty() ? first : new Expr.Compare(first, links, line);
            }
        }
    }

    private interface Operand {
        Expr parse();
    }

    private Expr binary(Map<String, Expr.Binary.Operator> operators, Operand operand) {
        int line = stream.line();
        Expr left = operand.parse();
        for (int links = 0; ; stream.checkChain(++links)) {
            Token token = stream.current();
            Expr.Binary.Operator operator = token.type() == Token.Type.OPERATOR ? operators.get(token.text()) : null;
            if (operator == null) {
                return left;
            }
            stream.next();
            left = new Expr.Binary(operator, left, operand.parse(), line);
        }
    }

    private Expr sum() {
        return binary(SUMS, this::concat);
    }

    private Expr concat() {
        int line = stream.line();
        List<Expr> parts = new ArrayList<>();
        do {
            parts.add(binary(PRODUCTS, this::power));
        } while (stream.skipOperator("~"));
        return parts.size() == 1 ? parts.getFirst() : new Expr.Concat(parts, line);
    }

    /** Associates to the left, unlike Python's. */
    private Expr power() {
        return binary(POWERS, () -> unary(true));
    }

    private Expr unary(boolean filters) {
        int line = stream.line();
        Expr value;
        if (stream.isOperator("-") || stream.isOperator("+")) {
            Expr.Unary.Operator operator =
                    stream.next().text().equals("-") ? Expr.Unary.Operator.MINUS : Expr.Unary.Operator.PLUS;
            stream.enter();
            value = new Expr.Unary(operator, unary(false), line);
            stream.leave();
        } else {
            value = primary();
        }
        value = postfix(value);
        return filters ? filtersAndTests(value) : value;
    }

    Expr primary() {
        Token token = stream.current();
        int line = token.line();
        return switch (token.type()) {
            case NAME -> {
                stream.next();
                yield switch (token.text()) {
                    case "true", "True" -> new Expr.Literal(true, line);
                    case "false", "False" -> new Expr.Literal(false, line);
                    case "none", "None" -> new Expr.Literal(None.NONE, line);
                    default -> {
                        stream.mention(token.text());
                        yield new Expr.Name(token.text(), line);
                    }
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (stream.current().type() == Token.Type.STRING) {
                    text.append(stream.next().text());
                }
                yield new Expr.Literal(text.toString(), line);
            }
            case INTEGER -> new Expr.Literal(integer(stream.next()), line);
            case FLOAT ->
                new Expr.Literal(Double.parseDouble(stream.next().text().replace("_", "")), line);
            case OPERATOR ->
                switch (token.text()) {
                    case "(" -> parenthesized();
                    case "[" -> list();
                    case "{" -> dict();
                    default -> throw stream.fail("unexpected " + token.described());
                };
            default -> throw stream.fail("unexpected " + token.described());
        };
    }

    private Object integer(Token token) {
        String digits = token.text().replace("_", "").toLowerCase(Locale.ROOT);
        if (digits.length() > 1000) {
            throw stream.fail("an integer of more than 1000 digits");
        }
        if (digits.startsWith("0x")) {
            return Numbers.narrow(new BigInteger(digits.substring(2), 16));
        }
        if (digits.startsWith("0o")) {
            return Numbers.narrow(new BigInteger(digits.substring(2), 8));
        }
        if (digits.startsWith("0b")) {
            return Numbers.narrow(new BigInteger(digits.substring(2), 2));
        }
        return Numbers.narrow(new BigInteger(digits));
    }

    private Expr parenthesized() {
        int line = stream.line();
        stream.expectOperator("(");
        Expr value = stream.isOperator(")") ? new Expr.TupleOf(List.of(), line) : tuple(true);
        stream.expectOperator(")");
        return value;
    }

    private Expr list() {
        int line = stream.line();
        stream.expectOperator("[");
        List<Expr> items = new ArrayList<>();
        while (!stream.isOperator("]")) {
            if (!items.isEmpty()) {
                stream.expectOperator(",");
                if (stream.isOperator("]")) {
                    break;
                }
            }
            items.add(expression());
        }
        stream.expectOperator("]");
        return new Expr.ListOf(items, line);
    }

    private Expr dict() {
        int line = stream.line();
        stream.expectOperator("{");
        List<Expr.DictOf.Entry> entries = new ArrayList<>();
        while (!stream.isOperator("}")) {
            if (!entries.isEmpty()) {
                stream.expectOperator(",");
                if (stream.isOperator("}")) {
                    break;
                }
            }
            Expr key = expression();
            stream.expectOperator(":");
            entries.add(new Expr.DictOf.Entry(key, expression()));
        }
        stream.expectOperator("}");
        return new Expr.DictOf(entries, line);
    }

    private Expr postfix(Expr value) {
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

    private Expr filtersAndTests(Expr value) {
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
                return new Expr.Item(target, new Expr.Literal(integer(stream.next()), line), line);
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
            keys.add(expression());
        }
        stream.expectOperator("]");
        return new Expr.Item(target, keys.size() == 1 ? keys.getFirst() : new Expr.TupleOf(keys, line), line);
    }

    /** A key, or a slice of the target. */
    private Expr subscripted(Expr target, int line) {
        Expr start = null;
        if (!stream.isOperator(":")) {
            start = expression();
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
        return stream.isOperator(":") || stream.isOperator("]") ? null : expression();
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
            arguments = new Expr.CallArguments(List.of(postfix(primary())), List.of(), null, null);
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

    Expr.CallArguments arguments() {
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
                star = expression();
            } else if (stream.skipOperator("**")) {
                require(starStar == null);
                starStar = expression();
            } else if (stream.current().type() == Token.Type.NAME
                    && stream.following().is(Token.Type.OPERATOR, "=")) {
                require(starStar == null);
                String name = stream.next().text();
                stream.next();
                named.add(new Expr.CallArguments.Named(name, expression()));
            } else {
                require(star == null && starStar == null && named.isEmpty());
                positional.add(expression());
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
