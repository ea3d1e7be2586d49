package lorikeet.kernels;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What one adapter changes in the base model, in the memory of a device. The memory belongs to the adapter and must stay
 * until no batch holds these weights any more.
 */
public final class AdapterWeights {
    private final @Nullable Delta[] bySlot;
    private final MemorySegment table;

    /**
     * Takes the changes of one adapter.
     *
     * @param bySlot the change of the layer with that slot, null where the layer is left as it is; copied
     */
    public AdapterWeights(@Nullable Delta[] bySlot) {
        this(bySlot, MemorySegment.NULL);
    }

    private AdapterWeights(@Nullable Delta[] bySlot, MemorySegment table) {
        this.bySlot = bySlot.clone();
        this.table = table;
    }

    /** The same changes, with the description that the device's kernels read. */
    public AdapterWeights withTable(MemorySegment deviceTable) {
        return new AdapterWeights(bySlot, deviceTable);
    }

    /** What the device's kernels read of these changes, in its memory; the null segment where it doesn't need one. */
    public MemorySegment table() {
        return table;
    }

    /** The change of the layer with this slot, or null where the base model's layer is used as it is. */
    public @Nullable Delta at(int slot) {
        return slot < bySlot.length ? bySlot[slot] : null;
    }

    /** Number of slots; those from here on are left as they are. */
    public int slots() {
        return bySlot.length;
    }

    /** The same changes with other matrices, such as copies: each delta {@link Delta#map mapped}, in the order of slots. */
    public AdapterWeights map(Delta.Mapping mapping) {
        @Nullable Delta[] mapped = new Delta[bySlot.length];
        for (int slot = 0; slot < bySlot.length; slot++) {
            Delta delta = bySlot[slot];
            mapped[slot] = delta == null ? null : delta.map(mapping);
        }
        return new AdapterWeights(mapped);
    }
}
