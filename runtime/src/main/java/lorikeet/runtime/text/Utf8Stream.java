package lorikeet.runtime.text;

/**
 * Bytes to text as they come. Whatever can't become a character is replaced by U+FFFD, one for each maximal part that
 * could have begun one (The Unicode Standard, section 3.9, "U+FFFD Substitution of Maximal Subparts"; also what Rust's
 * {@code String::from_utf8_lossy} does). The bytes of an unfinished character are held back.
 */
final class Utf8Stream {
    private static final char REPLACEMENT = '\uFFFD';

    /** Of the unfinished character: its value so far, the bytes it still needs, and what the next one may be. */
    private int value;

    private int missing;
    private int lowest = 0x80;
    private int highest = 0xBF;

    /** Takes bytes and returns the characters that are now complete. */
    String push(byte[] bytes) {
        StringBuilder out = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            push(b & 0xFF, out);
        }
        return out.toString();
    }

    /** Ends the text and returns what is left of it: nothing, or the replacement for an unfinished character. */
    String finish() {
        boolean unfinished = missing > 0;
        reset();
        return unfinished ? String.valueOf(REPLACEMENT) : "";
    }

    private void push(int b, StringBuilder out) {
        if (missing > 0) {
            if (b >= lowest && b <= highest) {
                value = value << 6 | (b & 0x3F);
                lowest = 0x80;
                highest = 0xBF;
                if (--missing == 0) {
                    out.appendCodePoint(value);
                }
                return;
            }
            out.append(REPLACEMENT);
            reset();
        }
        start(b, out);
    }

    private void start(int b, StringBuilder out) {
        if (b < 0x80) {
            out.append((char) b);
        } else if (b >= 0xC2 && b <= 0xDF) {
            begin(b & 0x1F, 1);
        } else if (b >= 0xE0 && b <= 0xEF) {
            begin(b & 0x0F, 2);
            // Not in more bytes than needed, and no surrogates.
            lowest = b == 0xE0 ? 0xA0 : 0x80;
            highest = b == 0xED ? 0x9F : 0xBF;
        } else if (b >= 0xF0 && b <= 0xF4) {
            begin(b & 0x07, 3);
            lowest = b == 0xF0 ? 0x90 : 0x80;
            highest = b == 0xF4 ? 0x8F : 0xBF;
        } else {
            out.append(REPLACEMENT);
        }
    }

    private void begin(int bits, int following) {
        value = bits;
        missing = following;
    }

    private void reset() {
        missing = 0;
        lowest = 0x80;
        highest = 0xBF;
    }
}
