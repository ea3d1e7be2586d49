package lorikeet.kernels;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a step grouped by adapter: group {@code g} is the rows from {@code start(g)} to {@code end(g)}, all of one
 * adapter or all of the base model. The groups follow each other without holes and cover all rows.
 *
 * <p>Reused from step to step; not thread-safe, but may be read by several threads once it is filled.
 */
public final class RowGroups {
    private int count;
    private int[] ends = new int[8];
    private @Nullable AdapterWeights[] adapters = new AdapterWeights[8];

    /** Makes an empty list. */
    public RowGroups() {}

    /** Forgets all groups. */
    public void clear() {
        Arrays.fill(adapters, 0, count, null);
        count = 0;
    }

    /** Appends {@code rows} rows of this adapter, null for the base model; extends the last group if it is the same. */
    public void add(@Nullable AdapterWeights adapter, int rows) {
        if (rows == 0) {
            return;
        }
        if (count > 0 && adapters[count - 1] == adapter) {
            ends[count - 1] += rows;
            return;
        }
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, 2 * count);
            adapters = Arrays.copyOf(adapters, 2 * count);
        }
        ends[count] = rows() + rows;
        adapters[count] = adapter;
        count++;
    }

    /** Number of groups. */
    public int count() {
        return count;
    }

    /** Number of rows over all groups. */
    public int rows() {
        return count == 0 ? 0 : ends[count - 1];
    }

    /** First row of group {@code g}. */
    public int start(int g) {
        return g == 0 ? 0 : ends[g - 1];
    }

    /** One past the last row of group {@code g}. */
    public int end(int g) {
        return ends[g];
    }

    /** The adapter of group {@code g}, null for the base model. */
    public @Nullable AdapterWeights adapter(int g) {
        return adapters[g];
    }

    /** The change that group {@code g} makes to the layer with this slot, or null. */
    public @Nullable Delta delta(int g, int slot) {
        AdapterWeights adapter = adapters[g];
        return adapter == null ? null : adapter.at(slot);
    }
}
