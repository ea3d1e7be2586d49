package lorikeet.jmh.device;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The rows of a table in Markdown: what was measured, its floor, and what it should reach. */
final class TableRows {
    private final List<String> lines = new ArrayList<>();

    void add(String what, String measured, String floor, String target) {
        lines.add("| " + what + " | " + measured + " | " + floor + " | " + target + " |");
    }

    List<String> lines() {
        return List.copyOf(lines);
    }

    /** A number as people write it; nothing for NaN. */
    static String number(String format, double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, format, value);
    }
}
