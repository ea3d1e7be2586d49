package lorikeet.runtime.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SearchTest {
    /** Few letters and long parts, so that almost-matches are frequent and some parts are found. */
    @Test
    void findsWhatThePlainSearchFinds() {
        int found = 0;
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            String text = text(random, random.nextInt(400), 2 + random.nextInt(2));
            String part =
                    random.nextBoolean() && text.length() > 2 ? cut(random, text) : text(random, random.nextInt(80), 2);
            int from = random.nextInt(text.length() + 1);
            assertThat(Search.first(text, part, from)).as("seed %d", seed).isEqualTo(text.indexOf(part, from));
            assertThat(Search.last(text, part)).as("seed %d", seed).isEqualTo(text.lastIndexOf(part));
            found += part.length() > 32 && text.contains(part) ? 1 : 0;
        }
        assertThat(found).isGreaterThan(500);
    }

    @Test
    void findsLongPartsOfOneLetter() {
        String text = "a".repeat(100) + "b" + "a".repeat(50);
        assertThat(Search.first(text, "a".repeat(50), 60)).isEqualTo(101);
        assertThat(Search.last(text, "a".repeat(51))).isEqualTo(49);
        assertThat(Search.first(text, "a".repeat(40) + "b" + "a".repeat(51), 0)).isEqualTo(-1);
    }

    private static String text(Random random, int length, int letters) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(random.nextInt(8) > 0 ? 'a' : (char) ('a' + random.nextInt(letters)));
        }
        return text.toString();
    }

    private static String cut(Random random, String text) {
        int from = random.nextInt(text.length() / 2);
        return text.substring(from, from + random.nextInt(text.length() - from));
    }
}
