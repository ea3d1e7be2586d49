package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A dense row-major matrix in memory that somebody else owns: a view, never closed.
 *
 * <p>Element {@code (r, c)} lies at byte {@code (r * cols + c) * type.bytes()} of {@code data}. On a device other than
 * the CPU the segment stands for device memory and must not be read from Java.
 *
 * @param data exactly {@code rows * cols} elements
 * @param type how an element is stored
 * @param rows number of rows; a vector is a matrix of one row
 * @param cols number of columns
 */
public record Matrix(MemorySegment data, ElementType type, int rows, int cols) {
    public Matrix {
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(type, "type");
        if (rows < 0 || cols < 0) {
            throw new IllegalArgumentException("negative size: " + rows + " x " + cols);
        }
        long bytes = (long) rows * cols * type.bytes();
        if (data.byteSize() != bytes) {
            throw new IllegalArgumentException("a " + rows + " x " + cols + " matrix of " + type + " takes " + bytes
                    + " bytes, the segment has " + data.byteSize());
        }
    }

    /** The bytes from one row to the next. */
    public long rowBytes() {
        return (long) cols * type.bytes();
    }

    /** Rows {@code from} (inclusive) to {@code to} (exclusive), as a view of the same memory. */
    public Matrix rows(int from, int to) {
        Objects.checkFromToIndex(from, to, rows);
        return new Matrix(data.asSlice(from * rowBytes(), (to - from) * rowBytes()), type, to - from, cols);
    }
}
