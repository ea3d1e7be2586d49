package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Numbers that both the kernels and the host have: the ones that nothing else would notice. */
final class ConstantsTest {
    private static final Path SOURCES = Path.of("src/main/cuda");

    private static final Map<String, Map<String, Integer>> HOST = Map.of(
            "decode_product.cuh",
                    Map.of(
                            "DECODE_PRODUCT_MOST_ROWS", DecodeProducts.MOST_ROWS,
                            "DECODE_PRODUCT_OUT", DecodeProducts.OUT,
                            "DECODE_PRODUCT_CHUNK", DecodeProducts.CHUNK,
                            "DECODE_PRODUCT_SMALL_CHUNK", DecodeProducts.SMALL_CHUNK,
                            "DECODE_PRODUCT_THREADS", DecodeProducts.THREADS,
                            "DECODE_PRODUCT_SHRINK_THREADS", DecodeProducts.SHRINK_THREADS),
            "product_rotate.cuh", Map.of("PRODUCT_ROTATE_TURN_THREADS", DecodeProducts.TURN_THREADS),
            "product_ending.cuh",
                    Map.of(
                            "ENDING_ROTATE", ProductEnding.ROTATE,
                            "ENDING_GATE", ProductEnding.GATE,
                            "ENDING_ADD_NORM", ProductEnding.ADD_NORM),
            "lora.cuh",
                    Map.of(
                            "MAX_SPLITS", LoraScratch.MOST_SPLITS,
                            "MOST_RANK_SHARES", LoraScratch.MOST_RANK_SHARES,
                            "MOST_LEFT_SPLITS", LoraScratch.MOST_LEFT_SPLITS),
            "decode_product_sums.cuh", Map.of("NO_SUM", Byte.toUnsignedInt(DecodeProducts.NO_SUM) * 0x01010101));

    @Test
    void kernelsAndHostSayTheSame() throws IOException {
        List<String> differences = new ArrayList<>();
        for (Map.Entry<String, Map<String, Integer>> file : HOST.entrySet()) {
            String source = Files.readString(SOURCES.resolve(file.getKey()));
            file.getValue().forEach((name, value) -> {
                int kernels = numberOf(name, source);
                if (kernels != value) {
                    differences.add(name + " is " + kernels + " in " + file.getKey() + ", and " + value + " here");
                }
            });
        }
        assertThat(differences).isEmpty();
    }

    private static int numberOf(String name, String source) {
        Matcher found = Pattern.compile("\\b" + name + " = (0x)?([0-9a-f]+)").matcher(source);
        assertThat(found.find()).as("%s is there", name).isTrue();
        return Integer.parseUnsignedInt(found.group(2), found.group(1) == null ? 10 : 16);
    }
}
