package lorikeet.memory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lorikeet.memory.SafetensorsHeader.Entry;

/** The rule that the tensors of a file follow one another without holes or overlaps, from its first data byte to its last. */
final class SafetensorsLayout {
    private static final Comparator<Entry> BY_PLACE =
            Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end);

    private SafetensorsLayout() {}

    /**
     * The entries in the order of their data.
     *
     * @param dataBytes the size of the file's data area
     * @throws InvalidFileException if they don't cover it exactly
     */
    static List<Entry> inOrder(Path file, List<Entry> entries, long dataBytes) {
        List<Entry> ordered = new ArrayList<>(entries);
        ordered.sort(BY_PLACE);
        long covered = 0;
        Entry before = null;
        for (Entry entry : ordered) {
            if (entry.end() > dataBytes) {
                throw invalid(
                        file,
                        entry,
                        "reach beyond the " + dataBytes + " bytes of data in the file; it may be truncated");
            }
            if (entry.begin() != covered) {
                String how = entry.begin() < covered ? "overlap " : "leave a hole behind ";
                String what = before == null ? "the start of the data" : "tensor " + Quoted.of(before.name());
                throw invalid(
                        file, entry, how + what + ", which ends at " + covered + "; tensors must follow one another");
            }
            covered = entry.end();
            before = entry;
        }
        if (covered != dataBytes) {
            throw new InvalidFileException(
                    file,
                    "has " + dataBytes + " bytes of data, but its tensors end at " + covered
                            + "; they must cover all of it");
        }
        return ordered;
    }

    private static InvalidFileException invalid(Path file, Entry entry, String problem) {
        return InvalidFileException.inTensor(file, entry.name(), entry.offsets() + " " + problem);
    }
}
