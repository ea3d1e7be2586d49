package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The list of seen tokens as the device reads it. */
final class SeenTokensTest {
    private static final long COUNTS = 0x7f00_0000_1000L;

    @Test
    void writesTokensOfPromptAndOutputWithinTheVocabulary() {
        SeenTokens seen = new SeenTokens();
        seen.add(7, false);
        seen.add(0, true);
        seen.add(100, false);
        seen.add(7, true);

        assertThat(written(seen, 100)).containsExactly("7 prompt", "0 output", "7 output");
    }

    @Test
    void growsWithTheSequence() {
        SeenTokens seen = new SeenTokens();
        List<String> expected = new ArrayList<>();
        for (int token = 0; token < 1000; token++) {
            seen.add(token, token % 3 == 0);
            expected.add(token + (token % 3 == 0 ? " output" : " prompt"));
        }

        assertThat(written(seen, 1000)).isEqualTo(expected);
    }

    @Test
    void refusesNegativeTokens() {
        assertThatThrownBy(() -> new SeenTokens().add(-1, false)).isInstanceOf(IllegalArgumentException.class);
    }

    private static List<String> written(SeenTokens seen, int vocabulary) {
        MemorySegment to = MemorySegment.ofArray(new long[(int) (seen.size() * SeenTokens.BYTES / 8)]);
        long bytes = seen.write(to, COUNTS, vocabulary);
        List<String> list = new ArrayList<>();
        for (long at = 0; at < bytes; at += SeenTokens.BYTES) {
            assertThat(to.get(JAVA_LONG, at)).isEqualTo(COUNTS);
            list.add(to.get(JAVA_INT, at + 8) + (to.get(JAVA_INT, at + 12) == 1 ? " output" : " prompt"));
        }
        return list;
    }
}
