package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.INTS;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.ORDER;
import static lorikeet.kernels.cpu.WeightRows.BLOCK;
import static lorikeet.kernels.cpu.WeightRows.ODD;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;

/**
 * The short rows of an adapter's B with one shrunk input, added to the sums of the base model's product. Rows are read
 * where they lie, whatever their rank; the part of a vector that a row doesn't fill is masked.
 *
 * <p>The shrunk input lies as {@link InputTiles#fill} leaves it with a step of one vector, zeros at its end. The sums
 * lie one vector after the other. See {@link Bf16Kernels} on how vectors are handled.
 */
final class ExpandKernels {
    private ExpandKernels() {}

    /** Rows of bf16 of an even rank. */
    static void bf16(
            MemorySegment w, long wAt, int rows, int rank, MemorySegment h, long hAt, MemorySegment sums, long at) {
        long full = rank / BLOCK * (long) BYTES;
        int left = rank % BLOCK;
        VectorMask<Integer> mask = WeightRows.firstLanes(left / 2);
        for (int r = 0; r < rows; r++) {
            long row = wAt + 2L * rank * r;
            long sumAt = at + (long) r * BYTES;
            FloatVector sum = FloatVector.fromMemorySegment(FLOATS, sums, sumAt, ORDER);
            for (long k = 0; k < full; k += BYTES) {
                w.get(JAVA_BYTE, row + k); // See Vectors.faultsAreErrors.
                IntVector pairs = IntVector.fromMemorySegment(INTS, w, row + k, ORDER);
                FloatVector even = FloatVector.fromMemorySegment(FLOATS, h, hAt + 2 * k, ORDER);
                FloatVector odd = FloatVector.fromMemorySegment(FLOATS, h, hAt + 2 * k + BYTES, ORDER);
                sum = pairs.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, sum);
                sum = pairs.lanewise(AND, ODD).reinterpretAsFloats().fma(odd, sum);
            }
            if (left > 0) {
                w.get(JAVA_BYTE, row + full); // See Vectors.faultsAreErrors.
                IntVector pairs = IntVector.fromMemorySegment(INTS, w, row + full, ORDER, mask);
                FloatVector even = FloatVector.fromMemorySegment(FLOATS, h, hAt + 2 * full, ORDER);
                FloatVector odd = FloatVector.fromMemorySegment(FLOATS, h, hAt + 2 * full + BYTES, ORDER);
                sum = pairs.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, sum);
                sum = pairs.lanewise(AND, ODD).reinterpretAsFloats().fma(odd, sum);
            }
            sum.intoMemorySegment(sums, sumAt, ORDER);
        }
    }

    /** Rows of floats, of any rank. */
    static void floats(
            MemorySegment w, long wAt, int rows, int rank, MemorySegment h, long hAt, MemorySegment sums, long at) {
        long full = rank / LANES * (long) BYTES;
        int left = rank % LANES;
        VectorMask<Float> mask = VectorMask.fromLong(FLOATS, (1L << left) - 1);
        for (int r = 0; r < rows; r++) {
            long row = wAt + 4L * rank * r;
            long sumAt = at + (long) r * BYTES;
            FloatVector sum = FloatVector.fromMemorySegment(FLOATS, sums, sumAt, ORDER);
            for (long k = 0; k < full; k += BYTES) {
                w.get(JAVA_BYTE, row + k); // See Vectors.faultsAreErrors.
                FloatVector values = FloatVector.fromMemorySegment(FLOATS, w, row + k, ORDER);
                sum = values.fma(FloatVector.fromMemorySegment(FLOATS, h, hAt + k, ORDER), sum);
            }
            if (left > 0) {
                w.get(JAVA_BYTE, row + full); // See Vectors.faultsAreErrors.
                FloatVector values = FloatVector.fromMemorySegment(FLOATS, w, row + full, ORDER, mask);
                sum = values.fma(FloatVector.fromMemorySegment(FLOATS, h, hAt + full, ORDER), sum);
            }
            sum.intoMemorySegment(sums, sumAt, ORDER);
        }
    }
}
