package lorikeet.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.jspecify.annotations.Nullable;

/**
 * A whole regular file, mapped read-only.
 *
 * <p>Ownership: the mapping lives as long as the arena it was opened in, which the caller owns; there is nothing else to
 * close, and no file descriptor stays open. One shared arena per model or adapter is the intended use: closing a shared
 * arena disturbs every thread of the JVM for a moment.
 *
 * <p>If another process shortens the file, reading the lost pages throws an {@link InternalError}, and reading the rest
 * of the last page gives zeros without a word. {@link #checkIntact} tells whether that has happened. Replacing a file by
 * renaming another over it does no harm: the mapping keeps the old content.
 *
 * <p>Safe for use by several threads.
 */
public final class MappedFile {
    private final Path path;
    private final MemorySegment segment;
    private final @Nullable Object key;
    private final FileTime modified;

    private MappedFile(Path path, MemorySegment segment, @Nullable Object key, FileTime modified) {
        this.path = path;
        this.segment = segment;
        this.key = key;
        this.modified = modified;
    }

    /**
     * Maps a file.
     *
     * @param arena owns the mapping; it may be of any kind that can be shared by the threads that will read
     * @throws InvalidFileException if the file is missing, unreadable, empty, or not a regular file
     */
    public static MappedFile open(Path path, Arena arena) {
        try (RegularFile file = RegularFile.open(path)) {
            return map(file, arena);
        }
    }

    static MappedFile map(RegularFile file, Arena arena) {
        return new MappedFile(file.path(), file.map(arena), file.key(), file.modified());
    }

    /** The path that the file was opened with. */
    public Path path() {
        return path;
    }

    /** The size in bytes, as it was when the file was mapped. */
    public long size() {
        return segment.byteSize();
    }

    /** The file's content, read-only; valid until the arena is closed. */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Checks that the file has not become shorter since it was mapped. A file that the path no longer leads to, because
     * it was deleted or replaced by another, counts as intact.
     *
     * @throws TruncatedFileException if the file is shorter now
     * @throws InvalidFileException if the operating system doesn't tell
     */
    public void checkIntact() {
        check(false);
    }

    /**
     * Checks that nobody has written to the file since it was opened, as far as its size and the time of its last change
     * tell. A file that the path no longer leads to counts as unchanged.
     *
     * @throws TruncatedFileException if the file is shorter now
     * @throws InvalidFileException if it was changed in another way, or the operating system doesn't tell
     */
    public void checkUnchanged() {
        check(true);
    }

    private void check(boolean everything) {
        try {
            BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
            boolean same = key == null || key.equals(now.fileKey());
            if (same && now.size() < size()) {
                throw new TruncatedFileException(path, size(), now.size());
            }
            boolean changed = now.size() != size() || !now.lastModifiedTime().equals(modified);
            if (everything && same && changed) {
                throw new InvalidFileException(
                        path, "was written to after it had been opened; replace files in use by renaming new ones");
            }
        } catch (NoSuchFileException e) {
            // Deleted: the mapping keeps what was there.
        } catch (IOException e) {
            throw InvalidFileException.unreadable(path, e);
        }
    }
}
