package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.TileKernels.PANEL_ROWS;
import static lorikeet.kernels.cpu.TileKernels.SUM_BYTES;
import static lorikeet.kernels.cpu.Vectors.BYTES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import lorikeet.memory.Matrix;

/** The product of some neighbouring rows of a weight with some inputs: what one worker does at a time. */
final class RowBlock {
    /** So much of an input tile stays in the first-level cache while rows of the weight pass by. */
    private static final int TILE_BYTES = 16 << 10;

    private RowBlock() {}

    /**
     * Computes rows {@code from} to {@code to} of the weight with the inputs {@code first} to {@code last} and writes
     * them to {@code out}, the first row's {@code column} bytes into each row.
     */
    static void multiply(
            Matrix weight,
            int from,
            int to,
            ProductInput input,
            int first,
            int last,
            WorkerMemory memory,
            OutputRows out,
            long column) {
        InputTiles x = input.tilesFor(weight);
        boolean direct = input.isDirect(weight);
        int count = to - from;
        int padded = (count + PANEL_ROWS - 1) / PANEL_ROWS * PANEL_ROWS;
        int blocks = WeightRows.blocks(weight.cols());
        long panelRowBytes = (long) blocks * SUM_BYTES;
        MemorySegment panel = memory.panel.atLeast(direct ? 0 : padded * panelRowBytes);
        if (!direct) {
            WeightRows.convert(weight, from, to, PANEL_ROWS, panel);
        }
        int width = x.width();
        MemorySegment sums = memory.sums.atLeast((long) padded * width * SUM_BYTES);
        int most = TILE_BYTES / (width * (direct ? SUM_BYTES : BYTES));
        int pieces = (blocks + most - 1) / most;
        for (int tile = first / width; tile * width < last; tile++) {
            clear(sums, (long) padded * width * SUM_BYTES);
            for (int piece = 0; piece < pieces; piece++) {
                int start = (int) ((long) blocks * piece / pieces);
                int end = (int) ((long) blocks * (piece + 1) / pieces);
                long xAt = tile * x.tileBytes() + (long) start * width * BYTES;
                if (direct) {
                    directPiece(weight, from, to, start, end, x, xAt, sums);
                } else {
                    panelPiece(panel, padded, blocks, start, end, x, xAt, sums);
                }
            }
            int tileEnd = Math.min(last, (tile + 1) * width);
            for (int t = Math.max(first, tile * width); t < tileEnd; t++) {
                long at = (long) (t - tile * width) * SUM_BYTES;
                PartialSums.add(sums, at, (long) width * SUM_BYTES, count, out.memory(), out.at(t) + column);
            }
        }
    }

    private static void directPiece(
            Matrix weight, int from, int to, int start, int end, InputTiles x, long xAt, MemorySegment sums) {
        int bytes = (end - start) * BYTES;
        long half = x.halfBytes();
        MemorySegment w = weight.data();
        long wAt = from * weight.rowBytes() + (long) start * BYTES;
        int row = from;
        if (x.width() == 1) {
            for (; row + 2 <= to; row += 2, wAt += 2 * weight.rowBytes()) {
                long at = (long) (row - from) * SUM_BYTES;
                TileKernels.twoRowsBf16x1(w, wAt, wAt + weight.rowBytes(), x.data(), xAt, half, bytes, sums, at);
            }
            if (row < to) {
                long at = (long) (row - from) * SUM_BYTES;
                TileKernels.bf16x1(w, wAt, x.data(), xAt, half, bytes, sums, at);
            }
            return;
        }
        // Wider tiles have an even number of inputs.
        for (; row < to; row++, wAt += weight.rowBytes()) {
            long at = (long) (row - from) * x.width() * SUM_BYTES;
            for (int i = 0; i < x.width(); i += 2) {
                long pairAt = xAt + (long) i * BYTES;
                long sumsAt = at + (long) i * SUM_BYTES;
                TileKernels.bf16x2(w, wAt, x.data(), pairAt, half, x.width(), bytes, sums, sumsAt);
            }
        }
    }

    private static void panelPiece(
            MemorySegment panel, int rows, int blocks, int start, int end, InputTiles x, long xAt, MemorySegment sums) {
        int step = PANEL_ROWS * BYTES;
        int bytes = (end - start) * step;
        long half = (long) blocks * step;
        for (int row = 0; row < rows; row += PANEL_ROWS) {
            long wAt = row / PANEL_ROWS * (2 * half) + (long) start * step;
            long at = (long) row * x.width() * SUM_BYTES;
            TileKernels.panel(panel, wAt, x.data(), xAt, bytes, sums, at);
            TileKernels.panel(panel, wAt + half, x.data(), xAt + x.halfBytes(), bytes, sums, at + BYTES);
        }
    }

    static void clear(MemorySegment memory, long bytes) {
        FloatVector zero = FloatVector.zero(Vectors.FLOATS);
        for (long at = 0; at < bytes; at += BYTES) {
            Vectors.store(zero, memory, at);
        }
    }
}
