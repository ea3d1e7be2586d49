package lorikeet.runtime.adapter;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;
import tools.jackson.databind.json.JsonMapper;

/**
 * The file that remembers which adapters were loaded at run time, so that a restart has them again.
 *
 * <p>A new state is written to a file beside it, flushed to the disk, and renamed over the old one: whenever the machine
 * stops, the file holds the old state or the new one, whole. Two processes must not share a file. Used by one thread at a
 * time.
 */
public final class AdapterStateFile implements AdapterJournal {
    private static final JsonMapper MAPPER = new JsonMapper();

    private final Path file;
    private final Path written;

    /** Remembered, but not loaded: its files were not there, or not sound, when the runtime started. */
    private final Map<String, Entry> missing = new LinkedHashMap<>();

    private Set<Entry> saved = Set.of();

    /**
     * An adapter that was loaded.
     *
     * @param name its name
     * @param path its folder, absolute
     * @param pinned whether it was pinned
     */
    public record Entry(String name, Path path, boolean pinned) {}

    /** Uses a file, which need not be there yet; its folder must. */
    public AdapterStateFile(Path file) {
        this.file = file.toAbsolutePath();
        this.written = this.file.resolveSibling(this.file.getFileName() + ".new");
    }

    /**
     * What was loaded when the file was last saved; nothing if there is no file.
     *
     * @throws LorikeetException INVALID_FILE if the file isn't one of these
     */
    public List<Entry> read() {
        if (!Files.exists(file)) {
            return List.of();
        }
        List<Entry> entries = new ArrayList<>();
        for (JsonObject entry : JsonFile.read(file).objects("adapters")) {
            entries.add(new Entry(
                    entry.string("name").orElseThrow(() -> entry.missing("name")),
                    Path.of(entry.string("path").orElseThrow(() -> entry.missing("path"))),
                    entry.bool("pinned", false)));
        }
        saved = Set.copyOf(entries);
        return List.copyOf(entries);
    }

    /** Goes on remembering an adapter that could not be loaded now, until another is loaded under its name. */
    public void keep(Entry entry) {
        missing.put(entry.name(), entry);
    }

    /**
     * Remembers these adapters.
     *
     * @throws LorikeetException NO_ROOM if the disk is full, INVALID_FILE if the file can't be written for another
     *     reason; the old state stays
     */
    @Override
    public void save(List<AdapterVersion> adapters) {
        Map<String, Entry> entries = new LinkedHashMap<>(missing);
        for (AdapterVersion version : adapters) {
            entries.remove(version.name());
            if (version.remembered()) {
                entries.put(
                        version.name(), new Entry(version.name(), version.path().toAbsolutePath(), version.pinned()));
            }
        }
        write(List.copyOf(entries.values()));
        adapters.forEach(version -> missing.remove(version.name()));
    }

    /** Writes a state, unless the file has it already. */
    void write(List<Entry> entries) {
        if (saved.equals(Set.copyOf(entries))) {
            return;
        }
        byte[] bytes = MAPPER.writerWithDefaultPrettyPrinter()
                .writeValueAsString(Map.of(
                        "adapters", entries.stream().map(AdapterStateFile::json).toList()))
                .getBytes(StandardCharsets.UTF_8);
        try {
            try (FileChannel channel = FileChannel.open(
                    written,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                ByteBuffer left = ByteBuffer.wrap(bytes);
                while (left.hasRemaining()) {
                    channel.write(left);
                }
                channel.force(true);
            }
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            deleteQuietly();
            throw unwritable(e);
        }
        saved = Set.copyOf(entries);
        flushFolder();
    }

    private static Map<String, Object> json(Entry entry) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", entry.name());
        json.put("path", entry.path().toString());
        json.put("pinned", entry.pinned());
        return json;
    }

    /** Makes the renaming last, too. Until then a crash leaves the old state, whole. */
    private void flushFolder() {
        Path folder = file.getParent();
        if (folder == null) {
            return;
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private void deleteQuietly() {
        try {
            Files.deleteIfExists(written);
        } catch (IOException e) {
            // It will be overwritten by the next state.
        }
    }

    private LorikeetException unwritable(IOException cause) {
        boolean full = String.valueOf(cause.getMessage()).contains("No space left");
        return new LorikeetException(
                full ? ErrorCode.NO_ROOM : ErrorCode.INVALID_FILE,
                file + ": the state file could not be written, so nothing was changed: " + cause.getMessage(),
                cause);
    }
}
