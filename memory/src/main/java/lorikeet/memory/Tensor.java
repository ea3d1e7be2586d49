package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A tensor in a mapped file: a view, valid until the arena that the file was mapped into is closed.
 *
 * <p>The elements are little-endian, row-major and dense. They may start at any byte: the format doesn't align them to
 * their size, so read them with unaligned layouts.
 *
 * @param file the file that holds it, for messages
 * @param name its name in the file
 * @param type how an element is stored
 * @param shape its sizes, outermost first
 * @param data exactly its bytes, read-only
 */
public record Tensor(Path file, String name, ElementType type, Shape shape, MemorySegment data) {
    public Tensor {
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(name, "name");
        long bytes = Math.multiplyExact(shape.elements(), type.bytes());
        if (data.byteSize() != bytes) {
            throw new IllegalArgumentException("tensor " + Quoted.of(name) + " of " + type + " " + shape + " takes "
                    + bytes + " bytes, the segment has " + data.byteSize());
        }
        data = data.asReadOnly();
    }

    /**
     * The same memory as a matrix: a tensor with two dimensions as it is, one with a single dimension as one row.
     *
     * @throws InvalidFileException if the tensor has another number of dimensions, or one above 2^31 - 1
     */
    public Matrix matrix() {
        if (shape.rank() != 1 && shape.rank() != 2) {
            throw invalid("has shape " + shape + "; a vector or a matrix is needed");
        }
        long rows = shape.rank() == 1 ? 1 : shape.dim(0);
        long cols = shape.dim(shape.rank() - 1);
        if (rows > Integer.MAX_VALUE || cols > Integer.MAX_VALUE) {
            throw invalid("has shape " + shape + "; sizes up to " + Integer.MAX_VALUE + " are accepted");
        }
        return new Matrix(data, type, (int) rows, (int) cols);
    }

    /** An exception that names the tensor and its file; {@code problem} says what was found and what is accepted. */
    public InvalidFileException invalid(String problem) {
        return InvalidFileException.inTensor(file, name, problem);
    }
}
