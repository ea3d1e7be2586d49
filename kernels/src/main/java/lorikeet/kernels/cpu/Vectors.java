package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors that matrix products are made of: 8 floats or ints, on every machine. Wider ones gain nothing where the
 * weights come from main memory, and one width everywhere means one order of sums everywhere.
 */
final class Vectors {
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    static final int LANES = 8;

    /** Bytes of one vector. */
    static final int BYTES = 32;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

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

    /**
     * A plain read in the same compiled method makes HotSpot turn a fault of the vector's read, in a mapped file that was
     * cut short, into an InternalError; without it the JVM would die. It stands beside each load, because a method that is
     * compiled from the middle of a loop on has nothing of what stood before. The value isn't used, so nothing is read;
     * but it makes bodies larger, so it is for mapped files alone: C2 gives up inlining in large ones.
     */
    private static void faultsAreErrors(MemorySegment from, long at) {
        from.get(ValueLayout.JAVA_BYTE, at);
    }

    static void store(FloatVector vector, MemorySegment to, long at) {
        vector.intoMemorySegment(to, at, ORDER);
    }
}
