package lorikeet.runtime.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Parses what expressions are made of: names, literals, and what stands in brackets of any kind. */
final class PrimaryParser {
    private final TokenStream stream;
    private final ExpressionParser expressions;

    /** Parses from a stream, and what stands within brackets with {@code expressions}. */
    PrimaryParser(TokenStream stream, ExpressionParser expressions) {
        this.stream = stream;
        this.expressions = expressions;
    }

    Expr parse() {
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

    Object integer(Token token) {
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
        Expr value = stream.isOperator(")") ? new Expr.TupleOf(List.of(), line) : expressions.tuple(true);
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
            items.add(expressions.expression());
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
            Expr key = expressions.expression();
            stream.expectOperator(":");
            entries.add(new Expr.DictOf.Entry(key, expressions.expression()));
        }
        stream.expectOperator("}");
        return new Expr.DictOf(entries, line);
    }
}
