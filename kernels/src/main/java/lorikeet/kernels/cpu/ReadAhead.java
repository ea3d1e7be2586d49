package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Brings short pieces of memory into the caches, several beside each other. Read one after the other, each piece would
 * make the processor wait anew, for its page and for its first lines; side by side they are waited for together. (Java
 * has no prefetch, so a byte of each line is loaded.) For one thread.
 */
final class ReadAhead {
    /** Bytes of a cache line. */
    private static final int LINE = 64;

    /** Pieces that are read beside each other. */
    private static final int PIECES = 4;

    private final MemorySegment[] memories = new MemorySegment[PIECES];
    private final long[] starts = new long[PIECES];
    private final long[] lasts = new long[PIECES];
    private int count;
    private long longest;

    /** Kept, so that the loads aren't left out. */
    @SuppressWarnings("UnusedVariable")
    private int seen;

    ReadAhead() {
        Arrays.fill(memories, MemorySegment.NULL);
    }

    /** Reads {@code bytes} bytes of {@code memory} from {@code at} on, now or together with those that follow. */
    void add(MemorySegment memory, long at, long bytes) {
        memories[count] = memory;
        starts[count] = at;
        lasts[count] = at + bytes - 1;
        longest = Math.max(longest, bytes);
        count++;
        if (count == PIECES) {
            finish();
        }
    }

    /** Reads what was added and hasn't been read yet. */
    void finish() {
        if (count == 0) {
            return;
        }
        for (int i = count; i < PIECES; i++) {
            memories[i] = memories[0];
            starts[i] = starts[0];
            lasts[i] = starts[0];
        }
        seen += read(memories[0], memories[1], memories[2], memories[3]);
        Arrays.fill(memories, MemorySegment.NULL); // Keeps no adapter from being collected.
        count = 0;
        longest = 0;
    }

    private int read(MemorySegment m0, MemorySegment m1, MemorySegment m2, MemorySegment m3) {
        long s0 = starts[0];
        long s1 = starts[1];
        long s2 = starts[2];
        long s3 = starts[3];
        long l0 = lasts[0];
        long l1 = lasts[1];
        long l2 = lasts[2];
        long l3 = lasts[3];
        int bytes = (int) longest;
        int sum = 0;
        for (int i = 0; i < bytes; i += LINE) {
            sum += m0.get(JAVA_BYTE, Math.min(s0 + i, l0));
            sum += m1.get(JAVA_BYTE, Math.min(s1 + i, l1));
            sum += m2.get(JAVA_BYTE, Math.min(s2 + i, l2));
            sum += m3.get(JAVA_BYTE, Math.min(s3 + i, l3));
        }
        return sum;
    }
}
