package lorikeet.kernels.cpu;

import static lorikeet.kernels.cpu.Vectors.BYTES;
import static lorikeet.kernels.cpu.Vectors.floats;
import static lorikeet.kernels.cpu.Vectors.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import lorikeet.memory.Matrix;

/**
 * The rows of a product's input in the order in which a weight's elements are summed, see {@link WeightRows}.
 * {@code width} rows make a tile, {@code [vector][row][lane]}, so that the kernels walk through it with one pointer; the
 * last tile is filled up with zeros.
 */
final class InputTiles implements AutoCloseable {
    private static final VectorShuffle<Float> EVENS = VectorShuffle.fromOp(Vectors.FLOATS, i -> 2 * i);
    private static final VectorShuffle<Float> ODDS = VectorShuffle.fromOp(Vectors.FLOATS, i -> 2 * i + 1);

    private final Scratch scratch = new Scratch();
    private final boolean split;
    private MemorySegment data = MemorySegment.NULL;
    private int width = 1;
    private int rows;
    private int blocks;

    /**
     * Makes room for no rows.
     *
     * @param split whether elements with even and odd numbers go to different vectors, see {@link WeightRows#split}
     */
    InputTiles(boolean split) {
        this.split = split;
    }

    /** Sets what the tiles will hold; {@link #fillTile} must follow for each. */
    void resize(int rows, int cols, int width) {
        this.rows = rows;
        this.width = width;
        blocks = WeightRows.blocks(cols);
        data = scratch.atLeast(tiles() * tileBytes());
    }

    /** Fills tile {@code tile}; row {@code i} of the tiles is row {@code rowNumbers[first + i]} of {@code in}. */
    void fillTile(int tile, Matrix in, int[] rowNumbers, int first) {
        for (int i = 0; i < width; i++) {
            int row = tile * width + i;
            long to = tile * tileBytes() + (long) i * BYTES;
            if (row < rows) {
                long at = rowNumbers[first + row] * in.rowBytes();
                fill(in.data(), at, in.cols(), split, data, to, width * BYTES);
            } else {
                clear(to);
            }
        }
    }

    /** Writes one row of {@code cols} floats, its first vector at {@code to}, each next one {@code step} bytes later. */
    static void fill(MemorySegment from, long at, int cols, boolean split, MemorySegment data, long to, int step) {
        int full = cols / WeightRows.BLOCK;
        if (split) {
            copySplit(from, at, full, data, to, step);
        } else {
            copyPlain(from, at, full, data, to, step);
        }
        if (cols % WeightRows.BLOCK != 0) {
            for (int i = 0; i < WeightRows.BLOCK; i++) {
                int col = full * WeightRows.BLOCK + i;
                float value = col < cols ? from.get(Element.FLOAT, at + (long) col * Float.BYTES) : 0;
                data.set(Element.FLOAT, to + 2L * full * step + WeightRows.place(i, split, step), value);
            }
        }
    }

    private static void copySplit(MemorySegment x, long at, int blocks, MemorySegment to, long first, int step) {
        for (int b = 0; b < blocks; b++) {
            FloatVector low = floats(x, at + (long) b * 2 * BYTES);
            FloatVector high = floats(x, at + (long) b * 2 * BYTES + BYTES);
            store(low.rearrange(EVENS, high), to, first + 2L * b * step);
            store(low.rearrange(ODDS, high), to, first + (2L * b + 1) * step);
        }
    }

    private static void copyPlain(MemorySegment x, long at, int blocks, MemorySegment to, long first, int step) {
        for (int b = 0; b < 2 * blocks; b++) {
            store(floats(x, at + (long) b * BYTES), to, first + (long) b * step);
        }
    }

    private void clear(long to) {
        FloatVector zero = FloatVector.zero(Vectors.FLOATS);
        for (int i = 0; i < 2 * blocks; i++) {
            store(zero, data, to + (long) i * width * BYTES);
        }
    }

    MemorySegment data() {
        return data;
    }

    /** Rows of a tile. */
    int width() {
        return width;
    }

    /** Number of tiles. */
    int tiles() {
        return (rows + width - 1) / width;
    }

    /** Bytes from one tile to the next. */
    long tileBytes() {
        return 2L * blocks * width * BYTES;
    }

    @Override
    public void close() {
        scratch.close();
    }
}
