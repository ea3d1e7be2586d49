package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses expressions: the operators, from the loosest binding to the tightest. */
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
    private final PrimaryParser primary;
    private final PostfixParser postfix;

    ExpressionParser(TokenStream stream) {
        this.stream = stream;
        this.primary = new PrimaryParser(stream, this);
        this.postfix = new PostfixParser(stream, this, primary);
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
            value = primary.parse();
        }
        value = postfix.parse(value);
        return filters ? postfix.filtersAndTests(value) : value;
    }

    /** A filter's name and arguments, behind the bar. */
    Expr.Filter filter(@Nullable Expr input) {
        return postfix.filter(input);
    }
}
