package lorikeet.runtime.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The 256 printable characters that stand for the 256 bytes in byte-level vocabularies (from GPT-2's encoder): a byte
 * that is a printable Latin-1 character stands for itself, the others are numbered from U+0100 on.
 */
final class ByteLevelAlphabet {
    private static final short[] BYTE_OF = byteOfCharacter();

    private ByteLevelAlphabet() {}

    /** The bytes of a token; a token with any other character stands for its own UTF-8 bytes. */
    static byte[] bytes(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            int value = c < BYTE_OF.length ? BYTE_OF[c] : -1;
            if (value < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }

    private static short[] byteOfCharacter() {
        short[] table = new short[0x100 + 68];
        Arrays.fill(table, (short) -1);
        int next = 0x100;
        for (int value = 0; value < 256; value++) {
            boolean printable = (value >= '!' && value <= '~')
                    || (value >= 0xA1 && value <= 0xAC)
                    || (value >= 0xAE && value <= 0xFF);
            table[printable ? value : next++] = (short) value;
        }
        return table;
    }
}
