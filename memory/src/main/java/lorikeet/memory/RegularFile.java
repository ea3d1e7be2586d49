package lorikeet.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.jspecify.annotations.Nullable;

/** An open, regular file of a known size. Closing it leaves mappings alone. */
final class RegularFile implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final long size;
    private final @Nullable Object key;
    private final FileTime modified;

    private RegularFile(Path path, FileChannel channel, long size, @Nullable Object key, FileTime modified) {
        this.path = path;
        this.channel = channel;
        this.size = size;
        this.key = key;
        this.modified = modified;
    }

    /** Opens a file, through symbolic links if need be: that is how download caches lay checkpoints out. */
    static RegularFile open(Path path) {
        FileChannel channel = null;
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            // Before the open, which would wait for ever for the writer of a named pipe.
            if (!attributes.isRegularFile()) {
                String found = attributes.isDirectory() ? "is a folder" : "is not a regular file";
                throw new InvalidFileException(path, found + "; a regular file is needed");
            }
            channel = FileChannel.open(path, StandardOpenOption.READ);
            return new RegularFile(path, channel, channel.size(), attributes.fileKey(), attributes.lastModifiedTime());
        } catch (IOException e) {
            closeQuietly(channel);
            throw InvalidFileException.unreadable(path, e);
        }
    }

    Path path() {
        return path;
    }

    long size() {
        return size;
    }

    /** The bytes {@code from} (inclusive) to {@code to} (exclusive), which lie inside the file. */
    FileInput input(long from, long to) {
        return new FileInput(this, channel, from, to);
    }

    /**
     * Maps the whole file, read-only, for as long as {@code arena} lives.
     *
     * <p>The result is of the same class as memory that is allocated, not of the one for mapped files. A product that
     * meets both classes is compiled with a choice between them at each load; it was seen to take twice as long then,
     * and four times where HotSpot put the vectors on the heap.
     */
    @SuppressWarnings("restricted") // the same bytes for the same time
    MemorySegment map(Arena arena) {
        if (size == 0) {
            throw new InvalidFileException(path, "is empty");
        }
        try {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            return MemorySegment.ofAddress(mapped.address())
                    .reinterpret(size, arena, null)
                    .asReadOnly();
        } catch (IOException e) {
            checkNotShorter();
            throw new InvalidFileException(path, "could not be mapped: " + e.getMessage(), e);
        }
    }

    /** The system's identity of the file behind the path, null where there is none. */
    @Nullable
    Object key() {
        return key;
    }

    /** When the file was last written, as of just before it was opened. */
    FileTime modified() {
        return modified;
    }

    void checkNotShorter() {
        try {
            long now = channel.size();
            if (now < size) {
                throw new TruncatedFileException(path, size, now);
            }
        } catch (IOException e) {
            throw InvalidFileException.unreadable(path, e);
        }
    }

    @Override
    public void close() {
        closeQuietly(channel);
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // Nothing was written, so nothing can have been lost.
        }
    }
}
