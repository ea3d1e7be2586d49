package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.kernels.RowGroups;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ShrinkGridTest {
    private static final int MULTIPROCESSORS = 132;

    /** So many rows each of adapters of their own. */
    private static RowGroups groups(int... rows) {
        RowGroups groups = new RowGroups();
        for (int each : rows) {
            groups.add(new AdapterWeights(new @Nullable Delta[0]), each);
        }
        return groups;
    }

    private static ShrinkGrid grid(RowGroups groups, int parts, int rankStride) {
        return ShrinkGrid.of(groups, parts, rankStride, MULTIPROCESSORS);
    }

    @Test
    void fewTokensAndRanksTakeTwoTilesAtATime() {
        assertThat(grid(groups(512), 1, 16)).isEqualTo(new ShrinkGrid(true, 16, 8));
        assertThat(grid(groups(512, 512), 2, 16)).isEqualTo(new ShrinkGrid(true, 32, 8));
        assertThat(grid(groups(512, 512, 512, 512), 3, 16)).isEqualTo(new ShrinkGrid(true, 64, 4));
    }

    @Test
    void manyTokensOrRanksTakeFourTilesAtATimeAndFourChunksOfRanks() {
        RowGroups many = groups(512, 512, 512, 512, 512, 512, 512, 512);
        assertThat(grid(many, 1, 16)).isEqualTo(new ShrinkGrid(false, 64, 4));
        assertThat(grid(many, 3, 16)).isEqualTo(new ShrinkGrid(false, 64, 2));
        assertThat(grid(groups(512), 3, 64)).isEqualTo(new ShrinkGrid(false, 24, 8));
        assertThat(grid(groups(2048), 1, 64)).isEqualTo(new ShrinkGrid(false, 32, 4));
    }

    @Test
    void groupsThatBeginAmongOthersTilesHaveUnitsOfTheirOwn() {
        int[] rows = IntStream.concat(IntStream.of(1024), IntStream.range(0, 48).map(i -> 1))
                .toArray();
        assertThat(grid(groups(rows), 3, 16)).isEqualTo(new ShrinkGrid(true, 2 * 56, 4));
        assertThat(grid(groups(rows), 3, 64)).isEqualTo(new ShrinkGrid(false, 4 * 28 * 3, 2));
        assertThat(grid(groups(1, 1024), 1, 16)).isEqualTo(new ShrinkGrid(true, 2 * 33, 8));
        assertThat(grid(groups(17, 1024), 1, 16)).isEqualTo(new ShrinkGrid(true, 33, 8));
    }

    @Test
    void rowsWithoutAdaptersDoNotCount() {
        RowGroups groups = groups(16);
        groups.add(null, 4096);
        assertThat(grid(groups, 3, 16)).isEqualTo(new ShrinkGrid(true, 1, 8));
        RowGroups none = new RowGroups();
        none.add(null, 4096);
        assertThat(grid(none, 3, 16)).isEqualTo(new ShrinkGrid(true, 1, 8));
    }
}
