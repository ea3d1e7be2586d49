package lorikeet.memory;

import java.lang.foreign.MemorySegment;

/** What can be said of memory by address alone. */
public final class Segments {
    private Segments() {}

    /**
     * All bytes from the start of one segment to the end of another behind it in the same mapped file or allocation. The
     * result doesn't know the lifetime of what it spans: it must not be used any longer than its two ends.
     */
    @SuppressWarnings("restricted") // both ends lie in the same mapping, so all between them does
    public static MemorySegment span(MemorySegment first, MemorySegment last) {
        long bytes = last.address() + last.byteSize() - first.address();
        if (bytes < first.byteSize()) {
            throw new IllegalArgumentException("the last segment ends before the first one");
        }
        return first.reinterpret(bytes);
    }
}
