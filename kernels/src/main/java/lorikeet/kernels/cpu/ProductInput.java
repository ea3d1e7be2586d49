package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
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
    private final InputTiles loneSplit = new InputTiles(true);
    private final InputTiles lonePlain = new InputTiles(false);
    private final InputTiles[] all = {split, plain, loneSplit, lonePlain};
    private final boolean[] wanted = new boolean[all.length];
    private final WorkerPool.Task fill = (index, worker) -> fillTile(index);
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
        Arrays.fill(wanted, false);
    }

    /** Asks for the arrangement that {@link #tilesFor} gives. */
    void want(Matrix weight, boolean lone) {
        InputTiles tiles = tilesFor(weight, lone);
        for (int i = 0; i < all.length; i++) {
            wanted[i] |= all[i] == tiles;
        }
    }

    /** Arranges the rows in all wanted ways. */
    void fill(WorkerPool pool) {
        int tasks = 0;
        for (int i = 0; i < all.length; i++) {
            if (wanted[i]) {
                boolean lone = rows == 1 || all[i] == loneSplit || all[i] == lonePlain;
                all[i].resize(rows, in.cols(), lone ? 1 : WIDTH);
                tasks += all[i].tiles();
            }
        }
        pool.run(tasks, fill);
    }

    private void fillTile(int index) {
        int tile = index;
        for (int i = 0; i < all.length; i++) {
            if (wanted[i]) {
                if (tile < all[i].tiles()) {
                    all[i].fillTile(tile, in, rowNumbers, first);
                    return;
                }
                tile -= all[i].tiles();
            }
        }
    }

    /**
     * The tiles that go with this weight.
     *
     * @param lone whether only one of the rows meets it: a tile's row by itself lies in few sets of the first-level cache
     */
    InputTiles tilesFor(Matrix weight, boolean lone) {
        boolean byItself = lone && rows > 1;
        if (WeightRows.split(weight.type())) {
            return byItself ? loneSplit : split;
        }
        return byItself ? lonePlain : plain;
    }

    @Override
    public void close() {
        for (InputTiles tiles : all) {
            tiles.close();
        }
    }
}
