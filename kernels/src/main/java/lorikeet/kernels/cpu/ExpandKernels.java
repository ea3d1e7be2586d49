package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.INTS;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.ORDER;
import static lorikeet.kernels.cpu.Vectors.SHORTS;
import static lorikeet.kernels.cpu.WeightRows.BLOCK;
import static lorikeet.kernels.cpu.WeightRows.ODD;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * The short rows of an adapter's B with one shrunk input, added to the sums of the base model's product. Rows are read
 * where they lie, whatever their rank; the part of a vector that a row doesn't fill is masked.
 *
 * <p>The shrunk input lies as {@link InputTiles#fill} leaves it with a step of one vector, zeros at its end. The sums
 * lie one vector after the other. A block of the input stays in registers while all rows pass by: for ranks of a block
 * or less, which most are, nothing is read twice. See {@link Bf16Kernels} on how vectors are handled.
 */
final class ExpandKernels {
    private ExpandKernels() {}

    /** True when the elements with even and odd numbers of a block of the input belong into different vectors. */
    static boolean split(Matrix b, int elements) {
        return WeightRows.split(b.type()) && !(b.type() == ElementType.BF16 && elements == LANES);
    }

    /** Rows of bf16 of an even rank. */
    static void bf16(MemorySegment w, long wAt, int rows, int rank, MemorySegment h, long hAt, float[] sums, int at) {
        int full = rank / BLOCK;
        for (int b = 0; b < full; b++) {
            bf16Block(w, wAt + (long) b * BYTES, rows, 2 * rank, h, hAt + 2L * b * BYTES, sums, at);
        }
        long last = wAt + (long) full * BYTES;
        if (rank % BLOCK == LANES) {
            bf16Half(w, last, rows, 2 * rank, h, hAt + 2L * full * BYTES, sums, at);
        } else if (rank % BLOCK > 0) {
            bf16Part(w, last, rows, 2 * rank, rank % BLOCK, h, hAt + 2L * full * BYTES, sums, at);
        }
    }

    /** One block of each row; {@code rowBytes} from row to row. */
    private static void bf16Block(
            MemorySegment w, long wAt, int rows, int rowBytes, MemorySegment h, long hAt, float[] sums, int at) {
        FloatVector even = FloatVector.fromMemorySegment(FLOATS, h, hAt, ORDER);
        FloatVector odd = FloatVector.fromMemorySegment(FLOATS, h, hAt + BYTES, ORDER);
        for (int r = 0; r < rows; r++) {
            long row = wAt + (long) r * rowBytes;
            int sumAt = at + r * LANES;
            w.get(JAVA_BYTE, row); // See Vectors.faultsAreErrors.
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, row, ORDER);
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, sumAt);
            sum = pairs.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, sum);
            sum = pairs.lanewise(AND, ODD).reinterpretAsFloats().fma(odd, sum);
            sum.intoArray(sums, sumAt);
        }
    }

    /** The last half of a block of each row, whose input is one vector in plain order: an element less to add up. */
    private static void bf16Half(
            MemorySegment w, long wAt, int rows, int rowBytes, MemorySegment h, long hAt, float[] sums, int at) {
        FloatVector input = FloatVector.fromMemorySegment(FLOATS, h, hAt, ORDER);
        for (int r = 0; r < rows; r++) {
            long row = wAt + (long) r * rowBytes;
            int sumAt = at + r * LANES;
            w.get(JAVA_BYTE, row); // See Vectors.faultsAreErrors.
            ShortVector values = ShortVector.fromMemorySegment(SHORTS, w, row, ORDER);
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, sumAt);
            values.convertShape(ZERO_EXTEND_S2I, INTS, 0)
                    .reinterpretAsInts()
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .fma(input, sum)
                    .intoArray(sums, sumAt);
        }
    }

    /** The last {@code left} elements of each row. */
    private static void bf16Part(
            MemorySegment w,
            long wAt,
            int rows,
            int rowBytes,
            int left,
            MemorySegment h,
            long hAt,
            float[] sums,
            int at) {
        VectorMask<Integer> mask = WeightRows.firstLanes(left / 2);
        FloatVector even = FloatVector.fromMemorySegment(FLOATS, h, hAt, ORDER);
        FloatVector odd = FloatVector.fromMemorySegment(FLOATS, h, hAt + BYTES, ORDER);
        for (int r = 0; r < rows; r++) {
            long row = wAt + (long) r * rowBytes;
            int sumAt = at + r * LANES;
            w.get(JAVA_BYTE, row); // See Vectors.faultsAreErrors.
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, row, ORDER, mask);
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, sumAt);
            sum = pairs.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, sum);
            sum = pairs.lanewise(AND, ODD).reinterpretAsFloats().fma(odd, sum);
            sum.intoArray(sums, sumAt);
        }
    }

    /** Rows of floats, of any rank. */
    static void floats(MemorySegment w, long wAt, int rows, int rank, MemorySegment h, long hAt, float[] sums, int at) {
        int full = rank / BLOCK;
        for (int b = 0; b < full; b++) {
            floatBlock(w, wAt + 2L * b * BYTES, rows, 4 * rank, h, hAt + 2L * b * BYTES, sums, at);
        }
        for (int done = full * BLOCK; done < rank; done += LANES) {
            long block = (long) done * Float.BYTES;
            floatPart(w, wAt + block, rows, 4 * rank, Math.min(LANES, rank - done), h, hAt + block, sums, at);
        }
    }

    /** One block of each row; {@code rowBytes} from row to row. */
    private static void floatBlock(
            MemorySegment w, long wAt, int rows, int rowBytes, MemorySegment h, long hAt, float[] sums, int at) {
        FloatVector first = FloatVector.fromMemorySegment(FLOATS, h, hAt, ORDER);
        FloatVector second = FloatVector.fromMemorySegment(FLOATS, h, hAt + BYTES, ORDER);
        for (int r = 0; r < rows; r++) {
            long row = wAt + (long) r * rowBytes;
            int sumAt = at + r * LANES;
            w.get(JAVA_BYTE, row); // See Vectors.faultsAreErrors.
            FloatVector values = FloatVector.fromMemorySegment(FLOATS, w, row, ORDER);
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, sumAt);
            sum = values.fma(first, sum);
            values = FloatVector.fromMemorySegment(FLOATS, w, row + BYTES, ORDER);
            sum = values.fma(second, sum);
            sum.intoArray(sums, sumAt);
        }
    }

    /** The next {@code count} elements of each row, a vector of them at most. */
    private static void floatPart(
            MemorySegment w,
            long wAt,
            int rows,
            int rowBytes,
            int count,
            MemorySegment h,
            long hAt,
            float[] sums,
            int at) {
        VectorMask<Float> mask = VectorMask.fromLong(FLOATS, (1L << count) - 1);
        FloatVector input = FloatVector.fromMemorySegment(FLOATS, h, hAt, ORDER);
        for (int r = 0; r < rows; r++) {
            long row = wAt + (long) r * rowBytes;
            int sumAt = at + r * LANES;
            w.get(JAVA_BYTE, row); // See Vectors.faultsAreErrors.
            FloatVector values = FloatVector.fromMemorySegment(FLOATS, w, row, ORDER, mask);
            FloatVector sum = FloatVector.fromArray(FLOATS, sums, sumAt);
            values.fma(input, sum).intoArray(sums, sumAt);
        }
    }
}
