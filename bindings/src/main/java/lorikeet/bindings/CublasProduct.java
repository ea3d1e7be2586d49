package lorikeet.bindings;

import java.lang.foreign.MemorySegment;

/** A product of fixed sizes by one of cuBLASLt's algorithms, see {@link CublasLt#products}. */
public final class CublasProduct {
    private final CublasLt library;
    private final Shape shape;
    private final MemorySegment algorithm;

    /** The library's handles: the operation, and the layouts of its matrices. */
    record Shape(MemorySegment description, MemorySegment weight, MemorySegment in, MemorySegment out) {}

    CublasProduct(CublasLt library, Shape shape, MemorySegment algorithm) {
        this.library = library;
        this.shape = shape;
        this.algorithm = algorithm;
    }

    /** Puts {@code out = in Wᵀ} into a stream; the segments stand for device memory. Allocates nothing. */
    public void run(CudaStream stream, MemorySegment in, MemorySegment weight, MemorySegment out) {
        library.run(shape, algorithm, in, weight, out, stream.handle());
    }
}
