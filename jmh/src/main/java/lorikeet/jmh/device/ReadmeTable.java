package lorikeet.jmh.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Puts the table of a file of results into a text, between two markers. */
public final class ReadmeTable {
    private ReadmeTable() {}

    /**
     * Replaces what is between the markers {@code <!-- figures:NAME -->} and {@code <!-- /figures:NAME -->}.
     *
     * @param json a file that {@link FigureSet} wrote
     * @param text the file with the markers
     * @param name tells apart the tables of one text
     */
    public static void update(Path json, Path text, String name) throws IOException {
        String open = "<!-- figures:" + name + " -->";
        String close = "<!-- /figures:" + name + " -->";
        String old = Files.readString(text);
        int from = old.indexOf(open);
        int to = old.indexOf(close);
        if (from < 0 || to < from) {
            throw new IllegalArgumentException(text + " has no " + open + " with " + close + " behind it");
        }
        String table = String.join("\n", new FigureTable(FigureFile.read(json)).lines());
        Files.writeString(text, old.substring(0, from + open.length()) + "\n" + table + "\n" + old.substring(to));
    }
}
