package lorikeet.runtime.adapter;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.json.JsonObject;

/**
 * Values for modules by name, as {@code rank_pattern} and {@code alpha_pattern} hold them. A key is a regular expression
 * that must match the module's whole path, or the end of it after a dot; the first key that does counts, as in PEFT's
 * get_pattern_key.
 */
public final class ModulePatterns {
    /** More steps than any sane expression needs on a module's path; hostile ones need exponentially many. */
    private static final int MAX_STEPS = 100_000;

    private final String where;
    private final List<Entry> entries;

    private record Entry(String key, Pattern pattern, double value) {}

    private ModulePatterns(String where, List<Entry> entries) {
        this.where = where;
        this.entries = entries;
    }

    /**
     * Compiles patterns.
     *
     * @param json where they stand in, for errors
     * @param field what they are called there
     * @param values the keys, in the order of the file, with their values
     */
    static ModulePatterns of(JsonObject json, String field, Map<String, Double> values) {
        List<Entry> entries = new ArrayList<>();
        values.forEach((key, value) -> {
            try {
                entries.add(new Entry(key, Pattern.compile("(.*\\.)?(" + key + ")$"), value));
            } catch (PatternSyntaxException e) {
                throw json.unsupported(
                        field + " has the key " + key + ", which is no regular expression: " + e.getDescription());
            }
        });
        return new ModulePatterns(json.where() + ": " + field, List.copyOf(entries));
    }

    /** The value of the first key that matches the path of a module. */
    OptionalDouble valueFor(String module) {
        for (Entry entry : entries) {
            if (matches(entry, module)) {
                return OptionalDouble.of(entry.value);
            }
        }
        return OptionalDouble.empty();
    }

    private boolean matches(Entry entry, String module) {
        try {
            return entry.pattern.matcher(new CountedText(module)).matches();
        } catch (CountedText.TooManySteps | StackOverflowError e) {
            throw new LorikeetException(
                    ErrorCode.INCOMPATIBLE, where + " has the key " + entry.key + ", which takes too long to match", e);
        }
    }

    /** A text that can be looked at only so often: regular expressions may backtrack for ever. */
    private static final class CountedText implements CharSequence {
        private final String text;
        private int steps;

        CountedText(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (++steps > MAX_STEPS) {
                throw new TooManySteps();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.substring(start, end);
        }

        @Override
        public String toString() {
            return text;
        }

        private static final class TooManySteps extends RuntimeException {
            private static final long serialVersionUID = 1;
        }
    }
}
