package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.PinnedMemory;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;

/**
 * Brings rows of device matrices to the host, through page-locked memory of its own. For the thread that owns the device;
 * close it before the context.
 */
final class ReadBack implements AutoCloseable {
    private static final long BYTES = 1L << 20;

    private final CudaContext context;
    private final CudaStream stream;
    private final PinnedMemory buffer;

    /** Reads what the work in {@code stream} leaves. */
    ReadBack(CudaContext context, CudaStream stream) {
        this.context = context;
        this.stream = stream;
        this.buffer = context.pinned(BYTES);
    }

    /** Waits for the stream, and copies a row of F32 or BF16 as floats. */
    void read(Matrix matrix, int row, float[] to) {
        context.use();
        long bytes = matrix.rowBytes();
        int size = matrix.type().bytes();
        for (long at = 0; at < bytes; at += BYTES) {
            long part = Math.min(BYTES, bytes - at);
            stream.copyToHost(buffer.segment(), matrix.data().address() + row * bytes + at, part);
            stream.synchronize();
            copy(matrix.type(), to, (int) (at / size), (int) (part / size));
        }
    }

    private void copy(ElementType type, float[] to, int start, int count) {
        MemorySegment from = buffer.segment();
        if (type == ElementType.F32) {
            MemorySegment.copy(from, JAVA_FLOAT, 0, to, start, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            to[start + i] = Floats.fromBf16(from.getAtIndex(JAVA_SHORT, i));
        }
    }

    @Override
    public void close() {
        buffer.close();
    }
}
