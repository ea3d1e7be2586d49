package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;

/** The struct {@code Rotation} of lora.cuh: heads and where their keys and values go. */
final class Rotation {
    private static final long NORMS = 16;

    private static final long LEFT = NORMS + 2 * NormWeight.BYTES;

    static final long BYTES = LEFT + Long.BYTES;

    private Rotation() {}

    /** Writes the struct to the beginning of {@code to}, for kernels that have whole heads. */
    static void write(MemorySegment to, HeadNorms norms, AttentionShape shape) {
        write(to, 0, norms, shape, 0);
    }

    /**
     * The same to {@code at} of {@code to}, for others.
     *
     * @param left where they leave tiles to one another, see {@link HeadTiles}
     */
    static void write(MemorySegment to, long at, HeadNorms norms, AttentionShape shape, long left) {
        to.set(JAVA_INT, at, shape.layer());
        to.set(JAVA_INT, at + 4, shape.heads());
        to.set(JAVA_INT, at + 8, shape.kvHeads());
        to.set(JAVA_INT, at + 12, shape.headSize());
        NormWeight.write(to, at + NORMS, norms.query());
        NormWeight.write(to, at + NORMS + NormWeight.BYTES, norms.key());
        to.set(JAVA_LONG, at + LEFT, left);
    }
}
