package lorikeet.jmh;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Reads memory from one end to the other with as little else as each way of reading allows. */
public enum StreamingRead {
    /** Loads, and the exclusive or that keeps the compiler from leaving them out. */
    PLAIN {
        @Override
        public float read(MemorySegment data, long from, long to) {
            IntVector a = IntVector.zero(INTS);
            IntVector b = a;
            IntVector c = a;
            IntVector d = a;
            for (long at = from; at < to; at += BLOCK) {
                a = a.lanewise(VectorOperators.XOR, ints(data, at));
                b = b.lanewise(VectorOperators.XOR, ints(data, at + STEP));
                c = c.lanewise(VectorOperators.XOR, ints(data, at + 2 * STEP));
                d = d.lanewise(VectorOperators.XOR, ints(data, at + 3 * STEP));
            }
            return first(a.lanewise(VectorOperators.XOR, b)
                    .lanewise(VectorOperators.XOR, c.lanewise(VectorOperators.XOR, d))
                    .reinterpretAsFloats());
        }
    },

    /** The sum of float32 numbers. */
    F32 {
        @Override
        public float read(MemorySegment data, long from, long to) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            FloatVector c = a;
            FloatVector d = a;
            for (long at = from; at < to; at += BLOCK) {
                a = a.add(ints(data, at).reinterpretAsFloats());
                b = b.add(ints(data, at + STEP).reinterpretAsFloats());
                c = c.add(ints(data, at + 2 * STEP).reinterpretAsFloats());
                d = d.add(ints(data, at + 3 * STEP).reinterpretAsFloats());
            }
            return first(a.add(b).add(c.add(d)));
        }
    },

    /**
     * The sum of bfloat16 numbers, two to an int: the one in the upper half is a float32 once the lower half is cleared,
     * the other one once it is shifted up.
     */
    BF16 {
        @Override
        public float read(MemorySegment data, long from, long to) {
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            FloatVector c = a;
            FloatVector d = a;
            for (long at = from; at < to; at += BLOCK) {
                IntVector one = ints(data, at);
                IntVector two = ints(data, at + STEP);
                IntVector three = ints(data, at + 2 * STEP);
                IntVector four = ints(data, at + 3 * STEP);
                a = a.add(lower(one)).add(upper(one));
                b = b.add(lower(two)).add(upper(two));
                c = c.add(lower(three)).add(upper(three));
                d = d.add(lower(four)).add(upper(four));
            }
            return first(a.add(b).add(c.add(d)));
        }
    };

    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final long STEP = INTS.vectorByteSize();

    /** Reads start and end at multiples of this many bytes. */
    public static final long BLOCK = 4 * STEP;

    /** Reads the bytes {@code from} to {@code to}; the result is there so that no load can be left out. */
    public abstract float read(MemorySegment data, long from, long to);

    private static IntVector ints(MemorySegment data, long at) {
        return IntVector.fromMemorySegment(INTS, data, at, ByteOrder.nativeOrder());
    }

    private static FloatVector lower(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector upper(IntVector pairs) {
        return pairs.lanewise(VectorOperators.AND, 0xFFFF0000).reinterpretAsFloats();
    }

    /** One lane is enough to use: the compiler doesn't make vectors narrower. */
    private static float first(FloatVector vector) {
        return vector.lane(0);
    }
}
