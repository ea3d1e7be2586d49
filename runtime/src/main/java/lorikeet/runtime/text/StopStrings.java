package lorikeet.runtime.text;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Strings that end an output as soon as one of them is complete in its text. Immutable; each output gets its own
 * {@link #stream() stream}.
 *
 * <p>The string that is complete first wins; of several that are complete at the same character, the longest. So the
 * result doesn't depend on how the text is cut into pieces.
 */
public final class StopStrings {
    private final List<String> stops;
    private final int[][] fallbacks;
    private final boolean include;

    /**
     * @param stops none of them empty
     * @param include whether the stop string itself belongs to the output
     */
    public StopStrings(List<String> stops, boolean include) {
        this.stops = List.copyOf(stops);
        this.include = include;
        this.fallbacks = new int[this.stops.size()][];
        for (int i = 0; i < fallbacks.length; i++) {
            if (this.stops.get(i).isEmpty()) {
                throw new IllegalArgumentException("a stop string is empty");
            }
            fallbacks[i] = fallbacks(this.stops.get(i));
        }
    }

    /** Starts to watch one output. */
    public Stream stream() {
        return new Stream();
    }

    /**
     * For each length of a matched prefix, the length of its longest proper suffix that is a prefix too: where Knuth,
     * Morris and Pratt's search goes on after a mismatch.
     */
    private static int[] fallbacks(String stop) {
        int[] fallback = new int[stop.length() + 1];
        for (int i = 1, matched = 0; i < stop.length(); i++) {
            while (matched > 0 && stop.charAt(i) != stop.charAt(matched)) {
                matched = fallback[matched];
            }
            if (stop.charAt(i) == stop.charAt(matched)) {
                matched++;
            }
            fallback[i + 1] = matched;
        }
        return fallback;
    }

    /**
     * Watches one output. Text that could be the start of a stop string is held back, at most the longest stop string's
     * length; each character costs a step for every stop string. For one thread at a time.
     */
    public final class Stream {
        private final int[] matched = new int[stops.size()];
        private final StringBuilder held = new StringBuilder();
        private Optional<String> stop = Optional.empty();

        private Stream() {}

        /** Takes the next piece of text and returns what may be given out; nothing after a match. */
        public String push(String piece) {
            if (stop.isPresent()) {
                return "";
            }
            for (int i = 0; i < piece.length(); i++) {
                char c = piece.charAt(i);
                held.append(c);
                String complete = longestCompleteAfter(c);
                if (complete != null) {
                    stop = Optional.of(complete);
                    if (!include) {
                        held.setLength(held.length() - complete.length());
                    }
                    return take(held.length());
                }
            }
            int open = 0;
            for (int length : matched) {
                open = Math.max(open, length);
            }
            return take(held.length() - open);
        }

        /** Ends the output and returns the text that was held back. */
        public String finish() {
            return take(held.length());
        }

        /** The stop string that ended the output, if one did. */
        public Optional<String> stop() {
            return stop;
        }

        private @Nullable String longestCompleteAfter(char c) {
            String longest = null;
            for (int s = 0; s < matched.length; s++) {
                String candidate = stops.get(s);
                int length = matched[s];
                while (length > 0 && candidate.charAt(length) != c) {
                    length = fallbacks[s][length];
                }
                if (candidate.charAt(length) == c) {
                    length++;
                }
                if (length == candidate.length()) {
                    if (longest == null || longest.length() < length) {
                        longest = candidate;
                    }
                    length = fallbacks[s][length];
                }
                matched[s] = length;
            }
            return longest;
        }

        private String take(int length) {
            String text = held.substring(0, length);
            held.delete(0, length);
            return text;
        }
    }
}
