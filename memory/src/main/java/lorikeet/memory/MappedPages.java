package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/** The pages of mapped files. */
public final class MappedPages {
    private static final long PIECE_BYTES = 4 << 20;
    private static final long PAGE_BYTES = 4096;

    /** Enough that the JVM copies them by a call in which a lost page is an error. */
    private static final int READ_BYTES = 128;

    private MappedPages() {}

    /**
     * Reads a little of every page, on several threads, so that the process has them all: who needs them one after the
     * other, like a driver that page-locks them, doesn't have to fetch each first. If the file was cut short, what is left
     * of it is read. Runs on the common pool.
     *
     * @param mapped memory that all threads may read
     * @return the number of pages that were read
     */
    public static long touch(MemorySegment mapped) {
        int pieces = Math.toIntExact((mapped.byteSize() + PIECE_BYTES - 1) / PIECE_BYTES);
        return IntStream.range(0, pieces)
                .parallel()
                .mapToLong(piece -> touchPiece(mapped, piece * PIECE_BYTES))
                .sum();
    }

    private static long touchPiece(MemorySegment mapped, long from) {
        byte[] read = new byte[READ_BYTES];
        long end = Math.min(from + PIECE_BYTES, mapped.byteSize());
        long pages = 0;
        try {
            for (long at = from; at < end; at += PAGE_BYTES) {
                int bytes = (int) Math.min(READ_BYTES, end - at);
                MemorySegment.copy(mapped, ValueLayout.JAVA_BYTE, at, read, 0, bytes);
                pages++;
            }
        } catch (InternalError lost) {
            // Whoever reads the file for what is in it finds out, too, and says so.
            return pages;
        }
        return pages;
    }
}
