package lorikeet.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
    /** What a search of the whole text finds: the first end, and there the longest stop string. */
    private record Naive(String output, Optional<String> stop) {
        static Naive of(String text, List<String> stops, boolean include) {
            for (int end = 1; end <= text.length(); end++) {
                String longest = "";
                for (String stop : stops) {
                    if (text.substring(0, end).endsWith(stop) && stop.length() > longest.length()) {
                        longest = stop;
                    }
                }
                if (!longest.isEmpty()) {
                    return new Naive(text.substring(0, include ? end : end - longest.length()), Optional.of(longest));
                }
            }
            return new Naive(text, Optional.empty());
        }
    }

    @Test
    void findsWhatASearchOfTheWholeTextFinds() {
        int stopped = 0;
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                stops.add(word(random, 1 + random.nextInt(5)));
            }
            boolean include = random.nextBoolean();
            String text = word(random, random.nextInt(30));
            Naive expected = Naive.of(text, stops, include);

            StopStrings.Stream stream = new StopStrings(stops, include).stream();
            StringBuilder output = new StringBuilder();
            int at = 0;
            while (at < text.length()) {
                int next = Math.min(text.length(), at + random.nextInt(5));
                output.append(stream.push(text.substring(at, next)));
                at = next;
                assertThat(expected.output()).as("seed %d", seed).startsWith(output);
                if (stream.stop().isEmpty()) {
                    int longest = stops.stream().mapToInt(String::length).max().orElseThrow();
                    assertThat(at - output.length()).as("seed %d", seed).isLessThan(longest);
                }
            }
            output.append(stream.finish());
            assertThat(output.toString())
                    .as("seed %d: %s in %s", seed, stops, text)
                    .isEqualTo(expected.output());
            assertThat(stream.stop()).as("seed %d", seed).isEqualTo(expected.stop());
            stopped += stream.stop().isPresent() ? 1 : 0;
        }
        assertThat(stopped).isBetween(5_000, 19_000);
    }

    private static String word(Random random, int length) {
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) ('a' + random.nextInt(3)));
        }
        return word.toString();
    }

    /** Begins in the middle of one token and ends in the middle of another, over characters made of several tokens. */
    @Test
    void spansTokens() {
        for (String set : Golden.SETS) {
            try (Tokenizer tokenizer = Tokenizer.open(Golden.model(set))) {
                int[] ids = tokenizer.encode("The parrots 🦜🦜 sing.\nUser: hello", false);
                DecodeStream decoder = tokenizer.decodeStream(true);
                StopStrings.Stream stop = new StopStrings(List.of("ots 🦜🦜 sing.\nUs"), false).stream();
                StringBuilder output = new StringBuilder();
                int taken = 0;
                while (stop.stop().isEmpty() && taken < ids.length) {
                    output.append(stop.push(decoder.push(ids[taken++])));
                }
                assertThat(stop.stop()).as(set).isPresent();
                assertThat(output.append(stop.finish()).toString()).as(set).isEqualTo("The parr");
                assertThat(taken).as(set).isBetween(8, ids.length - 1);
            }
        }
    }

    @Test
    void holdsBackOnlyWhatMayBecomeAStopString() {
        StopStrings.Stream stream = new StopStrings(List.of("\nUser:"), false).stream();
        assertThat(stream.push("Hello")).isEqualTo("Hello");
        assertThat(stream.push(" there\nUs")).isEqualTo(" there");
        assertThat(stream.push("ual\n")).isEqualTo("\nUsual");
        assertThat(stream.push("User")).isEmpty();
        assertThat(stream.push(": x")).isEmpty();
        assertThat(stream.stop()).hasValue("\nUser:");
        assertThat(stream.push("more")).isEmpty();
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void withoutStopStringsPassesEverythingOn() {
        StopStrings.Stream stream = new StopStrings(List.of(), false).stream();
        assertThat(stream.push("abc")).isEqualTo("abc");
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void refusesAnEmptyStopString() {
        assertThatThrownBy(() -> new StopStrings(List.of("a", ""), false)).isInstanceOf(IllegalArgumentException.class);
    }
}
