package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Parses a template into statements. */
final class Parser {
    private static final Set<String> RESERVED = Set.of("true", "false", "none", "True", "False", "None");

    private final TokenStream stream;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(TokenStream stream) {
        this.stream = stream;
        this.expressions = new ExpressionParser(stream);
    }

    static List<Stmt> parse(String template) {
        TokenStream stream = new TokenStream(Lexer.tokens(template));
        return new Parser(stream).body(Set.of());
    }

    /** Statements up to a block that begins with one of these words, which is left to be read; or to the end. */
    private List<Stmt> body(Set<String> ends) {
        stream.enter();
        List<Stmt> body = new ArrayList<>();
        while (true) {
            Token token = stream.current();
            switch (token.type()) {
                case DATA -> body.add(new Stmt.Text(stream.next().text(), token.line()));
                case PRINT_BEGIN -> {
                    stream.next();
                    body.add(new Stmt.Print(expressions.tuple(true), token.line()));
                    stream.expect(Token.Type.PRINT_END, "end of print statement");
                }
                case BLOCK_BEGIN -> {
                    stream.next();
                    if (stream.current().type() == Token.Type.NAME
                            && ends.contains(stream.current().text())) {
                        stream.leave();
                        return body;
                    }
                    body.add(statement());
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw stream.unexpected(
                                "one of the blocks " + ends.stream().sorted().toList());
                    }
                    stream.leave();
                    return body;
                }
            }
        }
    }

    /** The statements of a block up to its end tag, which is read too. */
    private List<Stmt> bodyTo(String end) {
        endBlock();
        List<Stmt> body = body(Set.of(end));
        stream.next();
        endBlock();
        return body;
    }

    private void endBlock() {
        stream.expect(Token.Type.BLOCK_END, "end of statement block");
    }

    private Stmt statement() {
        int line = stream.line();
        String keyword = stream.expectName();
        return switch (keyword) {
            case "if" -> ifStatement(line);
            case "for" -> forStatement(line);
            case "set" -> setStatement(line);
            case "macro" -> macro(line);
            case "call" -> callBlock(line);
            case "filter" -> new Stmt.FilterBlock(filters(), bodyTo("endfilter"), line);
            case "with" -> with(line);
            case "generation" -> new Stmt.Block(outsideLoops("endgeneration"), line);
            case "print" -> {
                List<Expr> values = new ArrayList<>();
                do {
                    values.add(expressions.expression());
                } while (stream.skipOperator(","));
                endBlock();
                yield new Stmt.Print(new Expr.Concat(values, line), line);
            }
            case "break", "continue" -> {
                if (loops == 0) {
                    throw TemplateException.syntax("'" + keyword + "' outside of a loop", line);
                }
                endBlock();
                yield keyword.equals("break") ? new Stmt.Break(line) : new Stmt.Continue(line);
            }
            default ->
                throw TemplateException.syntax(
                        "unknown or unsupported statement '" + keyword
                                + "'; supported: break, call, continue, filter, for, generation, if, macro, print, raw,"
                                + " set, with",
                        line);
        };
    }

    private List<Stmt> outsideLoops(String end) {
        int outer = loops;
        loops = 0;
        List<Stmt> body = bodyTo(end);
        loops = outer;
        return body;
    }

    private Stmt ifStatement(int line) {
        List<Stmt.If.Branch> branches = new ArrayList<>();
        List<Stmt> otherwise = List.of();
        while (true) {
            Expr test = expressions.tuple(false);
            endBlock();
            branches.add(new Stmt.If.Branch(test, body(Set.of("elif", "else", "endif"))));
            String word = stream.next().text();
            if (word.equals("elif")) {
                continue;
            }
            if (word.equals("else")) {
                otherwise = bodyTo("endif");
            } else {
                endBlock();
            }
            return new Stmt.If(branches, otherwise, line);
        }
    }

    private Stmt forStatement(int line) {
        Stmt.Target target = targets("in");
        stream.expectName("in");
        Expr items = expressions.tuple(false);
        Expr filter = stream.skipName("if") ? expressions.expression() : null;
        boolean recursive = stream.skipName("recursive");
        endBlock();
        loops++;
        List<Stmt> body = body(Set.of("else", "endfor"));
        loops--;
        List<Stmt> otherwise = List.of();
        if (stream.next().text().equals("else")) {
            otherwise = bodyTo("endfor");
        } else {
            endBlock();
        }
        return new Stmt.For(target, items, filter, recursive, body, otherwise, line);
    }

    private Stmt setStatement(int line) {
        Stmt.Target target = targets("=");
        if (stream.skipOperator("=")) {
            Expr value = expressions.tuple(true);
            endBlock();
            return new Stmt.Set(target, value, line);
        }
        List<Expr.Filter> filters = stream.skipOperator("|") ? filters() : List.of();
        return new Stmt.SetBlock(target, filters, bodyTo("endset"), line);
    }

    /** One or more filters with bars between. */
    private List<Expr.Filter> filters() {
        List<Expr.Filter> filters = new ArrayList<>();
        do {
            filters.add(expressions.filter(null));
        } while (stream.skipOperator("|"));
        return filters;
    }

    private Stmt macro(int line) {
        String name = assignable(stream.expectName());
        return new Stmt.DefineMacro(macroCode(name, "endmacro"), line);
    }

    private Stmt callBlock(int line) {
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        if (stream.isOperator("(")) {
            signature(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Expr.Call call)) {
            throw TemplateException.syntax("expected a call", line);
        }
        Set<String> outer = stream.beginMacro();
        List<Stmt> body = outsideLoops("endcall");
        Set<String> mentioned = stream.endMacro(outer);
        return new Stmt.CallBlock(code("caller", parameters, defaults, body, mentioned), call, line);
    }

    private Stmt.MacroCode macroCode(String name, String end) {
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        Set<String> outer = stream.beginMacro();
        signature(parameters, defaults);
        List<Stmt> body = outsideLoops(end);
        return code(name, parameters, defaults, body, stream.endMacro(outer));
    }

    private static Stmt.MacroCode code(
            String name, List<String> parameters, List<Expr> defaults, List<Stmt> body, Set<String> mentioned) {
        return new Stmt.MacroCode(
                name,
                parameters,
                defaults,
                body,
                mentioned.contains("varargs"),
                mentioned.contains("kwargs"),
                mentioned.contains("caller"));
    }

    private void signature(List<String> parameters, List<Expr> defaults) {
        stream.expectOperator("(");
        while (!stream.isOperator(")")) {
            if (!parameters.isEmpty()) {
                stream.expectOperator(",");
            }
            parameters.add(assignable(stream.expectName()));
            if (stream.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw stream.fail("a parameter without a default follows one with a default");
            }
        }
        stream.expectOperator(")");
    }

    private Stmt with(int line) {
        List<Stmt.Target> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (stream.current().type() != Token.Type.BLOCK_END) {
            if (!targets.isEmpty()) {
                stream.expectOperator(",");
            }
            targets.add(target());
            stream.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Stmt.With(targets, values, bodyTo("endwith"), line);
    }

    /** What is assigned to, up to this word or sign: one target, or several with commas between. */
    private Stmt.Target targets(String end) {
        List<Stmt.Target> targets = new ArrayList<>();
        boolean comma = false;
        do {
            if (!targets.isEmpty() && (stream.isName(end) || stream.isOperator(end))) {
                break;
            }
            targets.add(target());
        } while (stream.skipOperator(",") && (comma = true));
        return comma ? new Stmt.Target.Several(targets) : targets.getFirst();
    }

    private Stmt.Target target() {
        if (stream.skipOperator("(")) {
            Stmt.Target inner = targets(")");
            stream.expectOperator(")");
            return inner;
        }
        String name = assignable(stream.expectName());
        if (stream.skipOperator(".")) {
            return new Stmt.Target.NamespaceField(name, stream.expectName());
        }
        return new Stmt.Target.Name(name);
    }

    private String assignable(String name) {
        if (RESERVED.contains(name)) {
            throw stream.fail("can't assign to '" + name + "'");
        }
        return name;
    }
}
