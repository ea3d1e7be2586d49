package lorikeet.runtime.text.jinja;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The parser's place in the tokens. */
final class TokenStream {
    /** Nesting of parentheses and of blocks. Far above what people write, far below what overflows the stack. */
    private static final int MAX_DEPTH = 100;

    /** Links of one chain, as in {@code a + b + c}; evaluating one takes a stack frame for each link. */
    private static final int MAX_CHAIN = 1000;

    private final List<Token> tokens;
    private int at;
    private int depth;

    /** The names that the innermost macro mentions. */
    private Set<String> mentioned = new HashSet<>();

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(at);
    }

    Token following() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = current();
        if (at < tokens.size() - 1) {
            at++;
        }
        return token;
    }

    int line() {
        return current().line();
    }

    boolean isOperator(String text) {
        return current().is(Token.Type.OPERATOR, text);
    }

    boolean isName(String text) {
        return current().is(Token.Type.NAME, text);
    }

    boolean skipOperator(String text) {
        if (isOperator(text)) {
            next();
            return true;
        }
        return false;
    }

    boolean skipName(String text) {
        if (isName(text)) {
            next();
            return true;
        }
        return false;
    }

    void expectOperator(String text) {
        if (!skipOperator(text)) {
            throw unexpected("'" + text + "'");
        }
    }

    void expectName(String text) {
        if (!skipName(text)) {
            throw unexpected("'" + text + "'");
        }
    }

    String expectName() {
        return expect(Token.Type.NAME, "a name").text();
    }

    Token expect(Token.Type type, String described) {
        if (current().type() != type) {
            throw unexpected(described);
        }
        return next();
    }

    TemplateException unexpected(String expected) {
        return fail("expected " + expected + ", found " + current().described());
    }

    TemplateException fail(String problem) {
        return TemplateException.syntax(problem, line());
    }

    void enter() {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException(TemplateException.Kind.LIMIT, "nested deeper than " + MAX_DEPTH, line(), null);
        }
    }

    void leave() {
        depth--;
    }

    void checkChain(int links) {
        if (links > MAX_CHAIN) {
            throw new TemplateException(
                    TemplateException.Kind.LIMIT, "an expression of more than " + MAX_CHAIN + " parts", line(), null);
        }
    }

    void mention(String name) {
        mentioned.add(name);
    }

    /** Starts to gather names anew and returns those so far, to be given to {@link #endMacro}. */
    Set<String> beginMacro() {
        Set<String> outer = mentioned;
        mentioned = new HashSet<>();
        return outer;
    }

    /** The names mentioned since {@link #beginMacro}. An enclosing macro doesn't count them as its own. */
    Set<String> endMacro(Set<String> outer) {
        Set<String> inner = mentioned;
        mentioned = outer;
        return inner;
    }
}
