package lorikeet.kernels.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The vectors that the kernels here work with, and how they are summed up. */
final class Lanes {
    /** Activations lie in memory in the machine's own byte order. */
    static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /** The machine's vectors, at most 256 bits: the attention kernels need two of them in a KV block's 16 tokens. */
    static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() > 8 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_PREFERRED;

    /** Floats in one vector. */
    static final int COUNT = FLOATS.length();

    /** Bytes of one vector. */
    static final long BYTES = COUNT * 4L;

    private Lanes() {}

    /**
     * The sum of the lanes in a fixed order: halves are added until one is left. {@code reduceLanes} promises no order
     * and gives other bits in compiled than in interpreted code.
     *
     * @param scratch the first {@link #COUNT} elements are overwritten
     */
    static float sum(FloatVector vector, float[] scratch) {
        vector.intoArray(scratch, 0);
        for (int half = COUNT / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                scratch[i] += scratch[i + half];
            }
        }
        return scratch[0];
    }
}
