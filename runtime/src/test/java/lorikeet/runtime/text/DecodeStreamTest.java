package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native decoder, given all ids at once, is the reference. */
class DecodeStreamTest {
    @TempDir
    Path temporary;

    @Test
    void piecesJoinedAreWhatDecodeGives() throws IOException {
        for (Tokenizer tokenizer : tokenizers()) {
            try (tokenizer) {
                for (int seed = 0; seed < 400; seed++) {
                    Random random = new Random(seed);
                    int[] ids = ids(random, tokenizer);
                    boolean skip = random.nextBoolean();
                    DecodeStream stream = tokenizer.decodeStream(skip);
                    StringBuilder streamed = new StringBuilder();
                    String whole = tokenizer.decode(ids, skip);
                    for (int id : ids) {
                        streamed.append(stream.push(id));
                        assertThat(whole).as("seed %d", seed).startsWith(streamed.toString());
                        assertThat(endsInHalfAPair(streamed))
                                .as("seed %d", seed)
                                .isFalse();
                    }
                    streamed.append(stream.finish());
                    assertThat(streamed.toString()).as("seed %d", seed).isEqualTo(whole);
                }
            }
        }
    }

    /** Random ids, with runs of bytes that are text more often than chance would have it. */
    private static int[] ids(Random random, Tokenizer tokenizer) {
        List<Integer> ids = new ArrayList<>();
        int length = random.nextInt(40);
        for (int i = 0; i < length; i++) {
            switch (random.nextInt(6)) {
                case 0 -> {
                    String text = new String(Character.toChars(random.nextInt(2) == 0 ? 0x1F99C : 0x20AC));
                    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                    int cut = random.nextInt(4) == 0 ? random.nextInt(bytes.length) : bytes.length;
                    for (int b = 0; b < cut; b++) {
                        tokenizer.idOf("<0x%02X>".formatted(bytes[b])).ifPresent(ids::add);
                    }
                }
                case 1 -> {
                    for (int id : tokenizer.encode(" hello é 🦜 the  cat", false)) {
                        ids.add(id);
                    }
                }
                case 2 -> ids.add(random.nextInt(5));
                default -> ids.add(random.nextInt(tokenizer.idLimit() + 2));
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    private static boolean endsInHalfAPair(CharSequence text) {
        return text.length() > 0 && Character.isHighSurrogate(text.charAt(text.length() - 1));
    }

    private List<Tokenizer> tokenizers() throws IOException {
        List<Tokenizer> all = new ArrayList<>();
        for (String set : Golden.SETS) {
            all.add(Tokenizer.open(Golden.model(set)));
        }
        for (var json : List.of(
                SmallTokenizers.byteFallback(),
                SmallTokenizers.metaspace("always"),
                SmallTokenizers.metaspace("never"),
                SmallTokenizers.regexReplace())) {
            all.add(SmallTokenizers.open(Files.createTempDirectory(temporary, "model"), json));
        }
        return all;
    }

    @Test
    void givesOutTextAsSoonAsItIsCertain() {
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"))) {
            DecodeStream stream = tokenizer.decodeStream(false);
            List<String> pieces = new ArrayList<>();
            for (int id : tokenizer.encode("a🦜b", false)) {
                pieces.add(stream.push(id));
            }
            pieces.add(stream.finish());
            assertThat(pieces).containsExactly("a", "", "", "", "🦜", "b", "");
        }
        try (Tokenizer tokenizer = SmallTokenizers.open(temporary, SmallTokenizers.byteFallback())) {
            DecodeStream stream = tokenizer.decodeStream(true);
            List<String> pieces = new ArrayList<>();
            for (int id : tokenizer.encode("hello the€ cat", true)) {
                pieces.add(stream.push(id));
            }
            pieces.add(stream.finish());
            assertThat(pieces).containsExactly("", "hello", " the", "", "", "", "€ cat", "");
        }
    }

    /** Random bytes, mostly malformed, through a byte-level vocabulary that has a token for each byte. */
    @Test
    void replacesMalformedBytesAsTheNativeDecoderDoes() {
        try (Tokenizer tokenizer = Tokenizer.open(Golden.model("llama"))) {
            int[] idOfByte = new int[256];
            for (int id = 0; id < tokenizer.idLimit(); id++) {
                byte[] bytes = ByteLevelAlphabet.bytes(tokenizer.tokenOf(id).orElseThrow());
                if (bytes.length == 1) {
                    idOfByte[bytes[0] & 0xFF] = id;
                }
            }
            for (int seed = 0; seed < 3000; seed++) {
                Random random = new Random(seed);
                int[] ids = new int[random.nextInt(12)];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = idOfByte[random.nextInt(3) == 0 ? random.nextInt(256) : 0x80 + random.nextInt(0x78)];
                }
                DecodeStream stream = tokenizer.decodeStream(false);
                StringBuilder text = new StringBuilder();
                for (int id : ids) {
                    text.append(stream.push(id));
                }
                text.append(stream.finish());
                assertThat(text.toString()).as("seed %d", seed).isEqualTo(tokenizer.decode(ids, false));
            }
        }
    }
}
