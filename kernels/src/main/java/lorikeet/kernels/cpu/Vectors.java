package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors that matrix products are made of: 16 floats or ints where the machine has such vectors, else 8. Their width
 * decides the order of sums, so a product's last bits may differ between the two kinds of machines; on one machine it is
 * the same for everything.
 */
final class Vectors {
    private static final boolean WIDE = FloatVector.SPECIES_PREFERRED.length() >= 16;
    static final VectorSpecies<Float> FLOATS = WIDE ? FloatVector.SPECIES_512 : FloatVector.SPECIES_256;
    static final VectorSpecies<Integer> INTS = WIDE ? IntVector.SPECIES_512 : IntVector.SPECIES_256;

    /** As many 16-bit values as there are lanes. */
    static final VectorSpecies<Short> SHORTS = WIDE ? ShortVector.SPECIES_256 : ShortVector.SPECIES_128;

    static final int LANES = WIDE ? 16 : 8;

    /** Bytes of one vector. */
    static final int BYTES = LANES * Float.BYTES;

    static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private Vectors() {}

    /** Loads from memory of the JVM's own. */
    static FloatVector floats(MemorySegment from, long at) {
        return FloatVector.fromMemorySegment(FLOATS, from, at, ORDER);
    }

    /** Loads from what may be a mapped file. */
    static FloatVector mappedFloats(MemorySegment from, long at) {
        faultsAreErrors(from, at);
        return FloatVector.fromMemorySegment(FLOATS, from, at, ORDER);
    }

    /** Loads from what may be a mapped file. */
    static IntVector mappedInts(MemorySegment from, long at) {
        faultsAreErrors(from, at);
        return IntVector.fromMemorySegment(INTS, from, at, ORDER);
    }

    /** The first ints, as many as {@code mask} has, and zeros. */
    static IntVector mappedInts(MemorySegment from, long at, VectorMask<Integer> mask) {
        faultsAreErrors(from, at);
        return IntVector.fromMemorySegment(INTS, from, at, ORDER, mask);
    }

    /**
     * A plain read in the same compiled method makes HotSpot turn a fault of the vector's read, in a mapped file that was
     * cut short, into an InternalError; without it the JVM would die. It stands beside each load, because a method that is
     * compiled from the middle of a loop on has nothing of what stood before. The value isn't used, so nothing is read;
     * but it makes bodies larger, so it is for mapped files alone: C2 gives up inlining in large ones.
     *
     * <p>This covers code that C1 or C2 compiled, and plain interpreted code. What is left: for a moment while a kernel is
     * new and still interpreted, it may call the JDK's own load method, compiled on its own and so without a plain read.
     * A file cut short in just that moment would end the JVM; the engine's checks between steps make it a narrow one.
     */
    private static void faultsAreErrors(MemorySegment from, long at) {
        from.get(ValueLayout.JAVA_BYTE, at);
    }

    static void store(FloatVector vector, MemorySegment to, long at) {
        vector.intoMemorySegment(to, at, ORDER);
    }
}
