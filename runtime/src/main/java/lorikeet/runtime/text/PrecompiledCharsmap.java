package lorikeet.runtime.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * Checks the replacements that SentencePiece's normalizer keeps as one piece of data: 4 bytes with the little-endian
 * length of a trie, the trie as a double array of 4-byte units (https://github.com/s-yata/darts-clone), and the
 * replacements in UTF-8, each ended by a zero byte. The native library follows the trie's references without a look at
 * where they lead.
 */
final class PrecompiledCharsmap {
    private static final int BLOCK = 256;

    private PrecompiledCharsmap() {}

    /** True if no reference leads out of the data or into the middle of a character, whatever is looked up. */
    static boolean isSound(String base64) {
        byte[] data;
        try {
            data = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            return false;
        }
        if (data.length < Integer.BYTES) {
            return false;
        }
        ByteBuffer buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        long trieBytes = Integer.toUnsignedLong(buffer.getInt());
        if (trieBytes == 0 || trieBytes % Integer.BYTES != 0 || trieBytes > buffer.remaining()) {
            return false;
        }
        int[] units = new int[(int) trieBytes / Integer.BYTES];
        buffer.asIntBuffer().get(units);
        buffer.position(buffer.position() + (int) trieBytes);
        return isText(buffer.slice()) && leadsNowhereElse(units, buffer.slice());
    }

    private static boolean isText(ByteBuffer bytes) {
        try {
            CharBuffer text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .decode(bytes);
            return text.position() == 0;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static boolean leadsNowhereElse(int[] units, ByteBuffer replacements) {
        // Any byte may be looked up behind a reference, so it must lead to a whole block.
        if (units.length % BLOCK != 0) {
            return false;
        }
        for (int place = 0; place < units.length; place++) {
            int unit = units[place];
            boolean value = unit < 0;
            if (value) {
                continue;
            }
            long next = place ^ offset(unit);
            if (next >= units.length) {
                return false;
            }
            boolean hasValue = (unit >> 8 & 1) == 1;
            if (hasValue && !isStart(units[(int) next] & Integer.MAX_VALUE, replacements)) {
                return false;
            }
        }
        return true;
    }

    private static long offset(int unit) {
        return Integer.toUnsignedLong(unit >>> 10) << ((unit & 1 << 9) >> 6);
    }

    private static boolean isStart(int at, ByteBuffer replacements) {
        return at == replacements.limit() || (at < replacements.limit() && (replacements.get(at) & 0xC0) != 0x80);
    }
}
