package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.FLOATS;
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
     * Four rows with one input. A row alone would wait for its own sum, and the input, which is longer than the row, would
     * push what has been read ahead out of the first-level cache.
     *
     * @param w the weight, the rows' first blocks at {@code w0} to {@code w3}
     * @param x holds the tile, the input's first vector at {@code xAt}
     * @param xStep inputs of the tile. That it varies also keeps C2 from unrolling the loop: it would read the lines of a
     *     row out of their order, which the processor's prefetching doesn't follow
     * @param bytes length of a row of the weight
     * @param sums written: of row 0 at {@code at}, of each next row {@code rowStep} bytes later
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
            MemorySegment sums,
            long at,
            long rowStep) {
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
        s0.intoMemorySegment(sums, at, ORDER);
        s1.intoMemorySegment(sums, at + rowStep, ORDER);
        s2.intoMemorySegment(sums, at + 2 * rowStep, ORDER);
        s3.intoMemorySegment(sums, at + 3 * rowStep, ORDER);
    }

    /**
     * Four rows of floats with the four inputs of a tile, for the 32 registers of AVX-512.
     *
     * @param w the weight, the rows' first blocks at {@code w0} to {@code w3}
     * @param x holds the tile, from {@code xAt} on
     * @param bytes length of a row of the weight
     * @param sums written: of row 0 at {@code at}, of each next row {@code rowStep} bytes later, of each next input
     *     {@code inputStep} bytes later
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
            MemorySegment sums,
            long at,
            long rowStep,
            long inputStep) {
        long at0 = at;
        long at1 = at + inputStep;
        long at2 = at + 2 * inputStep;
        long at3 = at + 3 * inputStep;
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
        s00.intoMemorySegment(sums, at0, ORDER);
        s01.intoMemorySegment(sums, at1, ORDER);
        s02.intoMemorySegment(sums, at2, ORDER);
        s03.intoMemorySegment(sums, at3, ORDER);
        s10.intoMemorySegment(sums, at0 + rowStep, ORDER);
        s11.intoMemorySegment(sums, at1 + rowStep, ORDER);
        s12.intoMemorySegment(sums, at2 + rowStep, ORDER);
        s13.intoMemorySegment(sums, at3 + rowStep, ORDER);
        s20.intoMemorySegment(sums, at0 + 2 * rowStep, ORDER);
        s21.intoMemorySegment(sums, at1 + 2 * rowStep, ORDER);
        s22.intoMemorySegment(sums, at2 + 2 * rowStep, ORDER);
        s23.intoMemorySegment(sums, at3 + 2 * rowStep, ORDER);
        s30.intoMemorySegment(sums, at0 + 3 * rowStep, ORDER);
        s31.intoMemorySegment(sums, at1 + 3 * rowStep, ORDER);
        s32.intoMemorySegment(sums, at2 + 3 * rowStep, ORDER);
        s33.intoMemorySegment(sums, at3 + 3 * rowStep, ORDER);
    }

    /**
     * Two rows of floats with the four inputs of a tile, for the 16 registers of AVX2.
     *
     * @param w the weight, the rows' first blocks at {@code w0} and {@code w1}
     * @param x holds the tile, from {@code xAt} on
     * @param bytes length of a row of the weight
     * @param sums written: of row 0 at {@code at}, of each next row {@code rowStep} bytes later, of each next input
     *     {@code inputStep} bytes later
     */
    static void twoRows(
            MemorySegment w,
            long w0,
            long w1,
            MemorySegment x,
            long xAt,
            int bytes,
            MemorySegment sums,
            long at,
            long rowStep,
            long inputStep) {
        long at0 = at;
        long at1 = at + inputStep;
        long at2 = at + 2 * inputStep;
        long at3 = at + 3 * inputStep;
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
        s00.intoMemorySegment(sums, at0, ORDER);
        s01.intoMemorySegment(sums, at1, ORDER);
        s02.intoMemorySegment(sums, at2, ORDER);
        s03.intoMemorySegment(sums, at3, ORDER);
        s10.intoMemorySegment(sums, at0 + rowStep, ORDER);
        s11.intoMemorySegment(sums, at1 + rowStep, ORDER);
        s12.intoMemorySegment(sums, at2 + rowStep, ORDER);
        s13.intoMemorySegment(sums, at3 + rowStep, ORDER);
    }
}
