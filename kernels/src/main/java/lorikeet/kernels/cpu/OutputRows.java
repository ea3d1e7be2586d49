package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Where the outputs of a product's inputs go: rows of floats in one segment. */
final class OutputRows {
    private MemorySegment memory = MemorySegment.NULL;
    private long rowBytes;
    private int @Nullable [] rowNumbers;
    private int first;

    /** Input {@code t} goes to row {@code rowNumbers[first + t]}, or {@code first + t} without numbers. */
    void set(MemorySegment memory, long rowBytes, int @Nullable [] rowNumbers, int first) {
        this.memory = memory;
        this.rowBytes = rowBytes;
        this.rowNumbers = rowNumbers;
        this.first = first;
    }

    /** Input {@code t} goes to row {@code t - first}. */
    void set(MemorySegment memory, long rowBytes, int first) {
        set(memory, rowBytes, null, -first);
    }

    MemorySegment memory() {
        return memory;
    }

    /** The byte at which the outputs of input {@code t} begin. */
    long at(int t) {
        return rowBytes * (rowNumbers == null ? first + t : rowNumbers[first + t]);
    }
}
