package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/** The pages of mapped files. */
public final class MappedPages {
    private static final long PAGE_BYTES = 4096;
    private static final long LEAST_PIECE_BYTES = 4 << 20;

    /** With more threads the pages come no faster, but who page-locks them takes longer. */
    private static final int MOST_PIECES = 8;

    /** Enough that the JVM copies them by a call in which a lost page is an error. */
    private static final int READ_BYTES = 128;

    private MappedPages() {}

    /**
     * Fetches every page, on several threads, so that the process has them all: who needs them one after the other, like a
     * driver that page-locks them, doesn't have to fetch each first. If the file was cut short, what is left of it is
     * fetched. Runs on the common pool.
     *
     * @param mapped memory that all threads may read
     * @return the number of pages that were fetched
     */
    public static long touch(MemorySegment mapped) {
        long even = (mapped.byteSize() / MOST_PIECES / PAGE_BYTES + 1) * PAGE_BYTES;
        long pieceBytes = Math.max(LEAST_PIECE_BYTES, even);
        int pieces = Math.toIntExact((mapped.byteSize() + pieceBytes - 1) / pieceBytes);
        return IntStream.range(0, pieces)
                .parallel()
                .mapToLong(piece -> {
                    long from = piece * pieceBytes;
                    return touchPiece(mapped.asSlice(from, Math.min(pieceBytes, mapped.byteSize() - from)));
                })
                .sum();
    }

    private static long touchPiece(MemorySegment piece) {
        return PageFetch.fetch(piece) ? (piece.byteSize() + PAGE_BYTES - 1) / PAGE_BYTES : readPages(piece);
    }

    /** Reads a little of each page, as far as there are some. */
    static long readPages(MemorySegment piece) {
        byte[] read = new byte[READ_BYTES];
        long pages = 0;
        try {
            for (long at = 0; at < piece.byteSize(); at += PAGE_BYTES) {
                int bytes = (int) Math.min(READ_BYTES, piece.byteSize() - at);
                MemorySegment.copy(piece, ValueLayout.JAVA_BYTE, at, read, 0, bytes);
                pages++;
            }
        } catch (InternalError lost) {
            // Whoever reads the file for what is in it finds out, too, and says so.
            return pages;
        }
        return pages;
    }
}
