package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lorikeet.kernels.LogitBias;
import org.junit.jupiter.api.Test;

/** The list of tokens with a bias as the device reads it. */
final class BiasedTokensTest {
    private static final long ROW = 0x7f00_0000_1000L;
    private static final LogitBias BIAS =
            LogitBias.of(Map.of(3, 1.5f, 5, -2f, 100, 9f)).barring(Set.of(5, 8, 200), 2);

    @Test
    void writesEachTokenOnce() {
        assertThat(written(1)).containsExactly("3 1.5", "5 -Infinity", "8 -Infinity");
        assertThat(written(2)).containsExactly("3 1.5", "5 -2.0");
    }

    private static List<String> written(long outputs) {
        MemorySegment to = MemorySegment.ofArray(new long[(int) (BIAS.size(outputs) * BiasedTokens.BYTES / 8)]);
        long bytes = BiasedTokens.write(to, BIAS, outputs, ROW, 100);
        List<String> list = new ArrayList<>();
        for (long at = 0; at < bytes; at += BiasedTokens.BYTES) {
            list.add((to.get(JAVA_LONG, at) - ROW) / 4 + " " + to.get(JAVA_FLOAT, at + 8));
        }
        return list;
    }
}
