package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * Some rows of a product's input, in each of the arrangements that the weights they meet ask for. Arranged once for all
 * the weights that read the same input.
 */
final class ProductInput implements AutoCloseable {
    /** Rows of a tile, where there is more than one. */
    static final int WIDTH = 4;

    private final InputTiles split = new InputTiles(true);
    private final InputTiles plain = new InputTiles(false);
    private boolean wantsSplit;
    private boolean wantsPlain;
    private Matrix in = new Matrix(MemorySegment.NULL, ElementType.F32, 0, 0);
    private int[] rowNumbers = {};
    private int first;
    private int rows;

    /** Takes the rows {@code rowNumbers[first]} to {@code rowNumbers[first + rows - 1]} of {@code in}. */
    void set(Matrix in, int[] rowNumbers, int first, int rows) {
        this.in = in;
        this.rowNumbers = rowNumbers;
        this.first = first;
        this.rows = rows;
        wantsSplit = false;
        wantsPlain = false;
    }

    /** Asks for the arrangement that {@link #tilesFor} gives. */
    void want(Matrix weight) {
        if (WeightRows.split(weight.type())) {
            wantsSplit = true;
        } else {
            wantsPlain = true;
        }
    }

    /** Makes room for the rows in all wanted arrangements; {@link #fillTile} must follow for each of the tiles. */
    void resize() {
        int width = rows == 1 ? 1 : WIDTH;
        split.resize(wantsSplit ? rows : 0, in.cols(), width);
        plain.resize(wantsPlain ? rows : 0, in.cols(), width);
    }

    /** Number of tiles in all wanted arrangements. */
    int tiles() {
        return split.tiles() + plain.tiles();
    }

    /** Arranges the rows of a tile. */
    void fillTile(int index) {
        if (index < split.tiles()) {
            split.fillTile(index, in, rowNumbers, first);
        } else {
            plain.fillTile(index - split.tiles(), in, rowNumbers, first);
        }
    }

    /** The tiles that go with this weight. */
    InputTiles tilesFor(Matrix weight) {
        return WeightRows.split(weight.type()) ? split : plain;
    }

    /**
     * Arranges one row for this weight as a tile by itself, in memory of the worker's own. A row of a wider tile lies in few
     * sets of the first-level cache.
     */
    InputTiles arrange(int row, Matrix weight, WorkerMemory memory) {
        InputTiles tile = WeightRows.split(weight.type()) ? memory.splitRow : memory.plainRow;
        tile.resize(1, in.cols(), 1);
        tile.fillTile(0, in, rowNumbers, first + row);
        return tile;
    }

    @Override
    public void close() {
        split.close();
        plain.close();
    }
}
