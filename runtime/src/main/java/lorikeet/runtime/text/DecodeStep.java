package lorikeet.runtime.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * One step from tokens to text, with the state of one output. The steps are those of the module {@code decoders} of
 * Hugging Face's tokenizers; theirs see all tokens at once, these one after the other.
 */
sealed interface DecodeStep {
    /** Takes a token, or, behind a step that joins tokens, a fragment of the text. */
    void accept(String text);

    /** Hands on what was held back. */
    default void finish() {}

    /** Changes each token by itself. */
    record Map(Consumer<String> next, UnaryOperator<String> change) implements DecodeStep {
        @Override
        public void accept(String text) {
            next.accept(change.apply(text));
        }
    }

    /** Joins all tokens; since fragments are handed on at once, there is nothing to do. */
    record Fuse(Consumer<String> next) implements DecodeStep {
        @Override
        public void accept(String text) {
            next.accept(text);
        }
    }

    /** Turns the characters that stand for bytes back into bytes, and those into text. */
    final class ByteLevel implements DecodeStep {
        private final Consumer<String> next;
        private final Utf8Stream utf8 = new Utf8Stream();

        ByteLevel(Consumer<String> next) {
            this.next = next;
        }

        @Override
        public void accept(String text) {
            next.accept(utf8.push(ByteLevelAlphabet.bytes(text)));
        }

        @Override
        public void finish() {
            next.accept(utf8.finish());
        }
    }

    /**
     * Tokens like {@code <0xE2>} are bytes. A run of them is text if the whole run is valid UTF-8; otherwise each byte
     * becomes U+FFFD. So a run is held back until it has ended.
     */
    final class ByteFallback implements DecodeStep {
        private final Consumer<String> next;
        private final ByteArrayOutputStream run = new ByteArrayOutputStream();

        ByteFallback(Consumer<String> next) {
            this.next = next;
        }

        @Override
        public void accept(String text) {
            int value = value(text);
            if (value >= 0) {
                run.write(value);
            } else {
                finish();
                next.accept(text);
            }
        }

        @Override
        public void finish() {
            if (run.size() > 0) {
                byte[] bytes = run.toByteArray();
                run.reset();
                next.accept(text(bytes));
            }
        }

        private static String text(byte[] bytes) {
            try {
                return StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString();
            } catch (CharacterCodingException e) {
                return "\uFFFD".repeat(bytes.length);
            }
        }

        private static int value(String text) {
            if (text.length() != 6 || !text.startsWith("<0x") || text.charAt(5) != '>') {
                return -1;
            }
            int high = hex(text.charAt(3));
            int low = hex(text.charAt(4));
            return high < 0 || low < 0 ? -1 : 16 * high + low;
        }

        private static int hex(char c) {
            return c < 0x80 ? Character.digit(c, 16) : -1;
        }
    }

    /** A mark in the token stands for a space; in the first token for nothing, if the encoder puts one there. */
    final class Metaspace implements DecodeStep {
        private final Consumer<String> next;
        private final String mark;
        private final boolean dropInFirst;
        private boolean first = true;

        Metaspace(Consumer<String> next, String mark, boolean dropInFirst) {
            this.next = next;
            this.mark = mark;
            this.dropInFirst = dropInFirst;
        }

        @Override
        public void accept(String text) {
            next.accept(text.replace(mark, first && dropInFirst ? "" : " "));
            first = false;
        }
    }

    /** Takes up to so many of one character from the start of each token, or from the start of the joined text. */
    final class StripStart implements DecodeStep {
        private final Consumer<String> next;
        private final String content;
        private final int most;
        private final boolean joined;
        private int left;

        StripStart(Consumer<String> next, String content, int most, boolean joined) {
            this.next = next;
            this.content = content;
            this.most = most;
            this.joined = joined;
            this.left = most;
        }

        @Override
        public void accept(String text) {
            if (!joined) {
                left = most;
            }
            int from = 0;
            while (left > 0 && from < text.length()) {
                if (text.startsWith(content, from)) {
                    from += content.length();
                    left--;
                } else {
                    left = 0;
                }
            }
            next.accept(text.substring(from));
        }
    }
}
