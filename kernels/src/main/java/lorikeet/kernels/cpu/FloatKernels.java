package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
import static lorikeet.kernels.cpu.Vectors.LANES;
import static lorikeet.kernels.cpu.Vectors.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of matrix products with weights that are floats, stored so or converted by {@link WeightRows}: like
 * {@link Bf16Kernels}, but a row's vectors are summed one after the other.
 */
final class FloatKernels {
    private FloatKernels() {}

    /**
     * Rows one after the other with one input: a plain walk through memory, which is what the processor's prefetching
     * serves best.
     *
     * @param w the weight, the first row at {@code wAt}
     * @param bytes length of a row of the weight
     * @param x holds the tile, the input's first vector at {@code xAt}
     * @param xStep inputs of the tile
     * @param sums written: of the first row at {@code at}, the next rows' behind it
     */
    static void rows(
            MemorySegment w,
            long wAt,
            int bytes,
            int rows,
            MemorySegment x,
            long xAt,
            int xStep,
            float[] sums,
            int at) {
        for (int r = 0; r < rows; r++) {
            long row = wAt + (long) r * bytes;
            int sumAt = at + r * LANES;
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int k = 0; k < bytes; k += BYTES) {
                w.get(JAVA_BYTE, row + k); // See Vectors.faultsAreErrors.
                sum = FloatVector.fromMemorySegment(FLOATS, w, row + k, ORDER)
                        .fma(FloatVector.fromMemorySegment(FLOATS, x, xAt + (long) xStep * k, ORDER), sum);
            }
            sum.intoArray(sums, sumAt);
        }
    }

    /**
     * Four rows with one input. A row alone would wait for its own sum, and the input, which is longer than the row, would
     * push what has been read ahead out of the first-level cache.
     *
     * @param w the weight, the rows' first blocks at {@code w0} to {@code w3}
     * @param x holds the tile, the input's first vector at {@code xAt}
     * @param xStep inputs of the tile. That it varies also keeps C2 from unrolling the loop: it would read the lines of a
     *     row out of their order, which the processor's prefetching doesn't follow
     * @param bytes length of a row of the weight
     * @param sums written: of row 0 at {@code at}, of each next row {@code rowStep} elements later
     */
    static void oneInput(
            MemorySegment w,
            long w0,
            long w1,
            long w2,
            long w3,
            MemorySegment x,
            long xAt,
            int xStep,
            int bytes,
            float[] sums,
            int at,
            int rowStep) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        for (int k = 0; k < bytes; k += BYTES) {
            w.get(JAVA_BYTE, w0 + k); // See Vectors.faultsAreErrors.
            FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, w, w0 + k, ORDER);
            w.get(JAVA_BYTE, w1 + k); // See Vectors.faultsAreErrors.
            FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, w, w1 + k, ORDER);
            w.get(JAVA_BYTE, w2 + k); // See Vectors.faultsAreErrors.
            FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, w, w2 + k, ORDER);
            w.get(JAVA_BYTE, w3 + k); // See Vectors.faultsAreErrors.
            FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, w, w3 + k, ORDER);
            FloatVector input = FloatVector.fromMemorySegment(FLOATS, x, xAt + (long) xStep * k, ORDER);
            s0 = f0.fma(input, s0);
            s1 = f1.fma(input, s1);
            s2 = f2.fma(input, s2);
            s3 = f3.fma(input, s3);
        }
        s0.intoArray(sums, at);
        s1.intoArray(sums, at + rowStep);
        s2.intoArray(sums, at + 2 * rowStep);
        s3.intoArray(sums, at + 3 * rowStep);
    }

    /**
     * Four rows of floats with the four inputs of a tile, for the 32 registers of AVX-512.
     *
     * @param w the weight, the rows' first blocks at {@code w0} to {@code w3}
     * @param x holds the tile, from {@code xAt} on
     * @param bytes length of a row of the weight
     * @param sums written: of row 0 at {@code at}, of each next row {@code rowStep} elements later, of each next input
     *     {@code inputStep} elements later
     */
    static void fourRows(
            MemorySegment w,
            long w0,
            long w1,
            long w2,
            long w3,
            MemorySegment x,
            long xAt,
            int bytes,
            float[] sums,
            int at,
            int rowStep,
            int inputStep) {
        int at0 = at;
        int at1 = at + inputStep;
        int at2 = at + 2 * inputStep;
        int at3 = at + 3 * inputStep;
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s01 = FloatVector.zero(FLOATS);
        FloatVector s02 = FloatVector.zero(FLOATS);
        FloatVector s03 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector s12 = FloatVector.zero(FLOATS);
        FloatVector s13 = FloatVector.zero(FLOATS);
        FloatVector s20 = FloatVector.zero(FLOATS);
        FloatVector s21 = FloatVector.zero(FLOATS);
        FloatVector s22 = FloatVector.zero(FLOATS);
        FloatVector s23 = FloatVector.zero(FLOATS);
        FloatVector s30 = FloatVector.zero(FLOATS);
        FloatVector s31 = FloatVector.zero(FLOATS);
        FloatVector s32 = FloatVector.zero(FLOATS);
        FloatVector s33 = FloatVector.zero(FLOATS);
        for (int k = 0; k < bytes; k += BYTES) {
            w.get(JAVA_BYTE, w0 + k); // See Vectors.faultsAreErrors.
            FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, w, w0 + k, ORDER);
            w.get(JAVA_BYTE, w1 + k); // See Vectors.faultsAreErrors.
            FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, w, w1 + k, ORDER);
            w.get(JAVA_BYTE, w2 + k); // See Vectors.faultsAreErrors.
            FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, w, w2 + k, ORDER);
            w.get(JAVA_BYTE, w3 + k); // See Vectors.faultsAreErrors.
            FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, w, w3 + k, ORDER);
            long inputs = xAt + 4L * k;
            FloatVector input = FloatVector.fromMemorySegment(FLOATS, x, inputs, ORDER);
            s00 = f0.fma(input, s00);
            s10 = f1.fma(input, s10);
            s20 = f2.fma(input, s20);
            s30 = f3.fma(input, s30);
            input = FloatVector.fromMemorySegment(FLOATS, x, inputs + BYTES, ORDER);
            s01 = f0.fma(input, s01);
            s11 = f1.fma(input, s11);
            s21 = f2.fma(input, s21);
            s31 = f3.fma(input, s31);
            input = FloatVector.fromMemorySegment(FLOATS, x, inputs + 2L * BYTES, ORDER);
            s02 = f0.fma(input, s02);
            s12 = f1.fma(input, s12);
            s22 = f2.fma(input, s22);
            s32 = f3.fma(input, s32);
            input = FloatVector.fromMemorySegment(FLOATS, x, inputs + 3L * BYTES, ORDER);
            s03 = f0.fma(input, s03);
            s13 = f1.fma(input, s13);
            s23 = f2.fma(input, s23);
            s33 = f3.fma(input, s33);
        }
        s00.intoArray(sums, at0);
        s01.intoArray(sums, at1);
        s02.intoArray(sums, at2);
        s03.intoArray(sums, at3);
        s10.intoArray(sums, at0 + rowStep);
        s11.intoArray(sums, at1 + rowStep);
        s12.intoArray(sums, at2 + rowStep);
        s13.intoArray(sums, at3 + rowStep);
        s20.intoArray(sums, at0 + 2 * rowStep);
        s21.intoArray(sums, at1 + 2 * rowStep);
        s22.intoArray(sums, at2 + 2 * rowStep);
        s23.intoArray(sums, at3 + 2 * rowStep);
        s30.intoArray(sums, at0 + 3 * rowStep);
        s31.intoArray(sums, at1 + 3 * rowStep);
        s32.intoArray(sums, at2 + 3 * rowStep);
        s33.intoArray(sums, at3 + 3 * rowStep);
    }

    /**
     * Two rows of floats with the four inputs of a tile, for the 16 registers of AVX2.
     *
     * @param w the weight, the rows' first blocks at {@code w0} and {@code w1}
     * @param x holds the tile, from {@code xAt} on
     * @param bytes length of a row of the weight
     * @param sums written: of row 0 at {@code at}, of each next row {@code rowStep} elements later, of each next input
     *     {@code inputStep} elements later
     */
    static void twoRows(
            MemorySegment w,
            long w0,
            long w1,
            MemorySegment x,
            long xAt,
            int bytes,
            float[] sums,
            int at,
            int rowStep,
            int inputStep) {
        int at0 = at;
        int at1 = at + inputStep;
        int at2 = at + 2 * inputStep;
        int at3 = at + 3 * inputStep;
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s01 = FloatVector.zero(FLOATS);
        FloatVector s02 = FloatVector.zero(FLOATS);
        FloatVector s03 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector s12 = FloatVector.zero(FLOATS);
        FloatVector s13 = FloatVector.zero(FLOATS);
        for (int k = 0; k < bytes; k += BYTES) {
            w.get(JAVA_BYTE, w0 + k); // See Vectors.faultsAreErrors.
            FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, w, w0 + k, ORDER);
            w.get(JAVA_BYTE, w1 + k); // See Vectors.faultsAreErrors.
            FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, w, w1 + k, ORDER);
            long inputs = xAt + 4L * k;
            FloatVector input = FloatVector.fromMemorySegment(FLOATS, x, inputs, ORDER);
            s00 = f0.fma(input, s00);
            s10 = f1.fma(input, s10);
            input = FloatVector.fromMemorySegment(FLOATS, x, inputs + BYTES, ORDER);
            s01 = f0.fma(input, s01);
            s11 = f1.fma(input, s11);
            input = FloatVector.fromMemorySegment(FLOATS, x, inputs + 2L * BYTES, ORDER);
            s02 = f0.fma(input, s02);
            s12 = f1.fma(input, s12);
            input = FloatVector.fromMemorySegment(FLOATS, x, inputs + 3L * BYTES, ORDER);
            s03 = f0.fma(input, s03);
            s13 = f1.fma(input, s13);
        }
        s00.intoArray(sums, at0);
        s01.intoArray(sums, at1);
        s02.intoArray(sums, at2);
        s03.intoArray(sums, at3);
        s10.intoArray(sums, at0 + rowStep);
        s11.intoArray(sums, at1 + rowStep);
        s12.intoArray(sums, at2 + rowStep);
        s13.intoArray(sums, at3 + rowStep);
    }
}
