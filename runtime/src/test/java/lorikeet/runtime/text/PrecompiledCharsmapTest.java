package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** A map by hand: one block of a trie, in which H has its own unit and, 64 units away, the place of its replacement. */
class PrecompiledCharsmapTest {
    private static final byte[] REPLACEMENTS = "\u00e9\0h\0".getBytes(StandardCharsets.UTF_8);
    private static final int H = 'H';
    private static final int HAS_VALUE = 1 << 8;
    private static final int IS_VALUE = 1 << 31;

    @TempDir
    private Path folder;

    private static int[] trie() {
        int[] units = new int[256];
        units[H] = H | HAS_VALUE | 64 << 10;
        units[H ^ 64] = IS_VALUE | 3;
        return units;
    }

    private static String map(int[] units, byte[] replacements) {
        ByteBuffer data = ByteBuffer.allocate(Integer.BYTES * (units.length + 1) + replacements.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        data.putInt(Integer.BYTES * units.length);
        data.asIntBuffer().put(units);
        data.position(Integer.BYTES * (units.length + 1));
        return Base64.getEncoder().encodeToString(data.put(replacements).array());
    }

    private static String changed(int place, int unit) {
        int[] units = trie();
        units[place] = unit;
        return map(units, REPLACEMENTS);
    }

    private Tokenizer open(String map) {
        ObjectNode json = SmallTokenizers.byteFallback();
        json.putObject("normalizer").put("type", "Precompiled").put("precompiled_charsmap", map);
        return SmallTokenizers.open(folder, json);
    }

    @Test
    void aSoundMapReplaces() {
        try (Tokenizer tokenizer = open(map(trie(), REPLACEMENTS))) {
            assertThat(tokenizer.encode("Hello", false)).isEqualTo(tokenizer.encode("hello", false));
        }
    }

    @Test
    void damagedMapsAreRefused() {
        for (String map : new String[] {
            "",
            "AAAA",
            "no base 64",
            map(new int[0], REPLACEMENTS),
            map(new int[255], REPLACEMENTS),
            map(trie(), new byte[] {'a', (byte) 0xC3}),
            map(trie(), new byte[] {0}),
            changed(H ^ 64, IS_VALUE | 1), // the middle of a character
            changed(H ^ 64, IS_VALUE | 6),
            changed(H, H | HAS_VALUE | 1 << 9 | 64 << 10),
            changed(0, 256 << 10),
        }) {
            assertThatThrownBy(() -> open(map).close())
                    .as(map)
                    .isInstanceOf(TokenizerException.class)
                    .hasMessageContaining("tokenizer.json")
                    .hasMessageContaining("precompiled_charsmap");
        }
    }

    /** Whatever passes the check does no harm. */
    @Test
    void randomMapsAreRefusedOrWork() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        int taken = 0;
        for (int round = 0; round < 300; round++) {
            int[] units = trie();
            for (int i = random.nextInt(4); i >= 0; i--) {
                units[random.nextInt(256)] = random.nextInt() >>> random.nextInt(24);
            }
            String map = map(units, REPLACEMENTS);
            if (PrecompiledCharsmap.isSound(map)) {
                taken++;
                try (Tokenizer tokenizer = open(map)) {
                    tokenizer.encode("Hello \u00e9 caf\u00e9 \ud83e\udd9c H", false);
                }
            }
        }
        assertThat(taken).as("seed %d", seed).isPositive();
    }
}
