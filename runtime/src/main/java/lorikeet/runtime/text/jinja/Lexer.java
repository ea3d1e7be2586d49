package lorikeet.runtime.text.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens, with {@code trim_blocks} and {@code lstrip_blocks} on and {@code keep_trailing_newline}
 * off, as Transformers sets them. Comments disappear, raw blocks become text.
 */
final class Lexer {
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private int counted;

    /** Whether {@code at} is where a line begins: only then may the white space before a block go. */
    private boolean lineStart = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        Lexer lexer = new Lexer(source);
        lexer.template();
        return lexer.tokens;
    }

    private void template() {
        while (true) {
            int tag = nextTag();
            if (tag < 0) {
                data(source.substring(at));
                at = source.length();
                add(Token.Type.END, "");
                return;
            }
            char kind = source.charAt(tag + 1);
            int inside = dataBefore(tag, kind != '{');
            switch (kind) {
                case '#' -> comment(inside);
                case '{' -> {
                    add(Token.Type.PRINT_BEGIN, "");
                    at = inside;
                    expression(Token.Type.PRINT_END, "}}");
                }
                default -> {
                    int raw = afterKeyword(inside, "raw");
                    if (raw >= 0) {
                        rawBlock(raw);
                    } else {
                        add(Token.Type.BLOCK_BEGIN, "");
                        at = inside;
                        expression(Token.Type.BLOCK_END, "%}");
                    }
                }
            }
        }
    }

    private int nextTag() {
        for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '%' || next == '{' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    /** Emits the text before a tag, cut as the tag's sign asks, and returns the position behind the sign. */
    private int dataBefore(int tag, boolean block) {
        String text = source.substring(at, tag);
        char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
        if (sign == '-') {
            text = PyChars.stripEnd(text);
        } else if (sign != '+' && block) {
            int lastLine = text.lastIndexOf('\n') + 1;
            if ((lastLine > 0 || lineStart)
                    && PyChars.strip(text.substring(lastLine)).isEmpty()) {
                text = text.substring(0, lastLine);
            }
        }
        data(text);
        at = tag;
        return sign == '-' || sign == '+' ? tag + 3 : tag + 2;
    }

    private void comment(int inside) {
        int close = source.indexOf("#}", inside);
        if (close < 0) {
            throw TemplateException.syntax("missing end of comment tag", lineOf(at));
        }
        endTag(close, close > inside ? source.charAt(close - 1) : ' ', true);
    }

    /** Goes behind a closing tag of two characters; a sign before it says what happens to the white space after it. */
    private void endTag(int close, char sign, boolean trim) {
        int end = close + 2;
        if (sign == '-') {
            while (end < source.length() && PyChars.isSpace(source.charAt(end))) {
                end++;
            }
        } else if (sign != '+' && trim && end < source.length() && source.charAt(end) == '\n') {
            end++;
        }
        lineStart = source.charAt(end - 1) == '\n';
        at = end;
    }

    /** The position behind white space and this word, if they come next and nothing but a block's end follows. */
    private int afterKeyword(int from, String word) {
        int i = skipSpace(from);
        if (!source.startsWith(word, i)) {
            return -1;
        }
        i = skipSpace(i + word.length());
        boolean end = source.startsWith("%}", i) || source.startsWith("-%}", i) || source.startsWith("+%}", i);
        return end ? i : -1;
    }

    private void rawBlock(int tagEnd) {
        int begin = at;
        endBlockTag(tagEnd, false);
        for (int tag = source.indexOf("{%", at); tag >= 0; tag = source.indexOf("{%", tag + 1)) {
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            int end = afterKeyword(sign == '-' || sign == '+' ? tag + 3 : tag + 2, "endraw");
            if (end >= 0) {
                dataBefore(tag, true);
                endBlockTag(end, true);
                return;
            }
        }
        throw TemplateException.syntax("missing end of raw directive", lineOf(begin));
    }

    private void endBlockTag(int end, boolean trim) {
        char sign = source.charAt(end);
        endTag(sign == '%' ? end : end + 1, sign, trim);
    }

    private void expression(Token.Type endType, String end) {
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            at = skipSpace(at);
            if (at >= source.length()) {
                throw TemplateException.syntax("unexpected end of template", lineOf(source.length()));
            }
            char c = source.charAt(at);
            if (open.isEmpty()) {
                boolean signed = c == '-' || (c == '+' && endType == Token.Type.BLOCK_END);
                int close = signed ? at + 1 : at;
                if (source.startsWith(end, close)) {
                    add(endType, "");
                    endTag(close, c, endType == Token.Type.BLOCK_END);
                    return;
                }
            }
            token(c, open);
        }
    }

    private void token(char c, Deque<Character> open) {
        int next;
        if (PyChars.isDigit(c)) {
            next = NumberScan.end(source, at);
            boolean isFloat = NumberScan.isFloat(source, at, next);
            add(isFloat ? Token.Type.FLOAT : Token.Type.INTEGER, source.substring(at, next));
        } else if (c == '_' || Character.isUnicodeIdentifierStart(source.codePointAt(at))) {
            next = at;
            while (next < source.length()
                    && (source.charAt(next) == '_' || Character.isUnicodeIdentifierPart(source.codePointAt(next)))) {
                next += Character.charCount(source.codePointAt(next));
            }
            add(Token.Type.NAME, source.substring(at, next));
        } else if (c == '\'' || c == '"') {
            next = stringEnd(c);
            add(Token.Type.STRING, StringEscapes.resolve(source.substring(at + 1, next - 1), line));
        } else {
            String operator = operator();
            balance(operator.charAt(0), open);
            next = at + operator.length();
            add(Token.Type.OPERATOR, operator);
        }
        at = next;
    }

    private int stringEnd(char quote) {
        for (int i = at + 1; i < source.length(); i++) {
            char c = source.charAt(i);
            if (c == '\\') {
                i++;
            } else if (c == quote) {
                return i + 1;
            }
        }
        throw TemplateException.syntax("a string has no end", lineOf(at));
    }

    private String operator() {
        for (String two : List.of("//", "**", "==", "!=", ">=", "<=")) {
            if (source.startsWith(two, at)) {
                return two;
            }
        }
        char c = source.charAt(at);
        if ("+-/*%~[](){}><=.:|,;".indexOf(c) < 0) {
            throw TemplateException.syntax("unexpected character '" + c + "'", lineOf(at));
        }
        return String.valueOf(c);
    }

    private void balance(char c, Deque<Character> open) {
        switch (c) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                if (open.isEmpty() || open.pop() != c) {
                    throw TemplateException.syntax("unexpected '" + c + "'", lineOf(at));
                }
            }
            default -> {}
        }
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && PyChars.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            add(Token.Type.DATA, text);
        }
    }

    private void add(Token.Type type, String text) {
        tokens.add(new Token(type, text, lineOf(at)));
    }

    private int lineOf(int position) {
        for (; counted < position; counted++) {
            if (source.charAt(counted) == '\n') {
                line++;
            }
        }
        return line;
    }
}
