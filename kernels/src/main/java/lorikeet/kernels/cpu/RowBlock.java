package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * The product of some neighbouring rows of a weight with some inputs: what one worker does at a time. The kernels take
 * several rows at once, a quarter or half of the block apart. Where the block can't be divided, the last row is computed
 * once more: its place among the sums is not used.
 */
final class RowBlock {
    /** Blocks have a multiple of so many rows: whole vectors of outputs. */
    static final int ROWS = 16;

    /** A walk through memory shorter than this isn't worth beginning: four of them are made one after the other. */
    private static final int SHORT_BYTES = 64 << 10;

    private static final boolean WIDE = LANES == 16;

    private RowBlock() {}

    /**
     * Computes rows {@code from} to {@code to} of the weight with the inputs {@code first} to {@code last} of {@code x} and
     * writes them to {@code out}, the first row's {@code column} bytes into each row.
     *
     * @param lowRank what adapters add to layer {@code part}, or null
     */
    static void multiply(
            Matrix weight,
            int from,
            int to,
            InputTiles x,
            int first,
            int last,
            @Nullable LowRankProduct lowRank,
            int part,
            WorkerMemory memory,
            OutputRows out,
            long column) {
        boolean direct = WeightRows.isDirect(weight);
        boolean bf16 = direct && weight.type() == ElementType.BF16;
        int count = to - from;
        int rowBytes = (int) (direct ? weight.rowBytes() : WeightRows.convertedBytes(weight.cols()));
        MemorySegment w = weight.data();
        long wAt = from * weight.rowBytes();
        if (!direct) {
            w = memory.weights.atLeast((long) count * rowBytes);
            wAt = 0;
            WeightRows.convert(weight, from, to, w, 0);
        }
        int width = x.width();
        int inputStep = (count + ROWS - 1) / ROWS * ROWS * LANES;
        float[] sums = memory.sums(width * inputStep);
        for (int tile = first / width; tile * width < last; tile++) {
            int start = Math.max(first, tile * width);
            int end = Math.min(last, (tile + 1) * width);
            int startAt = (start - tile * width) * inputStep;
            long xAt = tile * x.tileBytes();
            if (end - start == 1) {
                long inputAt = xAt + (long) (start - tile * width) * BYTES;
                oneInput(bf16, w, wAt, rowBytes, count, x.data(), inputAt, width, sums, startAt);
            } else if (WIDE) {
                fourRows(bf16, w, wAt, rowBytes, count, x.data(), xAt, sums, inputStep);
            } else {
                twoRows(bf16, w, wAt, rowBytes, count, x.data(), xAt, sums, inputStep);
            }
            if (lowRank != null) {
                lowRank.readAhead(part, from, count, start, end, memory);
            }
            // Group by group, so that what expand has added to is still in the first-level cache.
            for (int t = start; t < end; ) {
                int sumsAt = startAt + (t - start) * inputStep;
                int next = end;
                if (lowRank != null) {
                    next = lowRank.expand(part, from, count, t, end, sums, sumsAt, inputStep, memory);
                }
                for (; t < next; t++, sumsAt += inputStep) {
                    PartialSums.add(sums, sumsAt, count, out.memory(), out.at(t) + column);
                }
            }
        }
    }

    private static void oneInput(
            boolean bf16,
            MemorySegment w,
            long wAt,
            int rowBytes,
            int count,
            MemorySegment x,
            long xAt,
            int width,
            float[] sums,
            int at) {
        int apart = (count + 3) / 4;
        if ((long) apart * rowBytes < SHORT_BYTES) {
            if (bf16) {
                Bf16Kernels.rows(w, wAt, rowBytes, count, x, xAt, width, sums, at);
            } else {
                FloatKernels.rows(w, wAt, rowBytes, count, x, xAt, width, sums, at);
            }
            return;
        }
        int rowStep = apart * LANES;
        for (int row = 0; row < apart; row++) {
            long w0 = wAt + (long) row * rowBytes;
            long w1 = wAt + (long) Math.min(count - 1, row + apart) * rowBytes;
            long w2 = wAt + (long) Math.min(count - 1, row + 2 * apart) * rowBytes;
            long w3 = wAt + (long) Math.min(count - 1, row + 3 * apart) * rowBytes;
            int rowAt = at + row * LANES;
            if (bf16) {
                Bf16Kernels.oneInput(w, w0, w1, w2, w3, x, xAt, width, rowBytes, sums, rowAt, rowStep);
            } else {
                FloatKernels.oneInput(w, w0, w1, w2, w3, x, xAt, width, rowBytes, sums, rowAt, rowStep);
            }
        }
    }

    private static void fourRows(
            boolean bf16,
            MemorySegment w,
            long wAt,
            int rowBytes,
            int count,
            MemorySegment x,
            long xAt,
            float[] sums,
            int inputStep) {
        int apart = (count + 3) / 4;
        int rowStep = apart * LANES;
        for (int row = 0; row < apart; row++) {
            long w0 = wAt + (long) row * rowBytes;
            long w1 = wAt + (long) Math.min(count - 1, row + apart) * rowBytes;
            long w2 = wAt + (long) Math.min(count - 1, row + 2 * apart) * rowBytes;
            long w3 = wAt + (long) Math.min(count - 1, row + 3 * apart) * rowBytes;
            int rowAt = row * LANES;
            if (bf16) {
                Bf16Kernels.fourRows(w, w0, w1, w2, w3, x, xAt, rowBytes, sums, rowAt, rowStep, inputStep);
            } else {
                FloatKernels.fourRows(w, w0, w1, w2, w3, x, xAt, rowBytes, sums, rowAt, rowStep, inputStep);
            }
        }
    }

    private static void twoRows(
            boolean bf16,
            MemorySegment w,
            long wAt,
            int rowBytes,
            int count,
            MemorySegment x,
            long xAt,
            float[] sums,
            int inputStep) {
        int apart = (count + 1) / 2;
        int rowStep = apart * LANES;
        for (int row = 0; row < apart; row++) {
            long w0 = wAt + (long) row * rowBytes;
            long w1 = wAt + (long) Math.min(count - 1, row + apart) * rowBytes;
            int rowAt = row * LANES;
            if (bf16) {
                Bf16Kernels.twoRows(w, w0, w1, x, xAt, rowBytes, sums, rowAt, rowStep, inputStep);
            } else {
                FloatKernels.twoRows(w, w0, w1, x, xAt, rowBytes, sums, rowAt, rowStep, inputStep);
            }
        }
    }
}
