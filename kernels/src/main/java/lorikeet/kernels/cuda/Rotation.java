package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;

/** The struct {@code Rotation} of lora.cuh: heads and where their keys and values go. */
final class Rotation {
    private static final long NORMS = 16;

    static final long BYTES = NORMS + 2 * NormWeight.BYTES;

    private Rotation() {}

    /** Writes the struct to the beginning of {@code to}. */
    static void write(MemorySegment to, HeadNorms norms, AttentionShape shape) {
        to.set(JAVA_INT, 0, shape.layer());
        to.set(JAVA_INT, 4, shape.heads());
        to.set(JAVA_INT, 8, shape.kvHeads());
        to.set(JAVA_INT, 12, shape.headSize());
        NormWeight.write(to, NORMS, norms.query());
        NormWeight.write(to, NORMS + NormWeight.BYTES, norms.key());
    }
}
