package lorikeet.runtime.adapter;

/**
 * Bounds on the adapters of a runtime.
 *
 * @param loaded the most adapters that may be loaded at a time
 * @param pinned the most of them that may be pinned
 * @param pinnedBytes the most bytes of weights that pinned ones may have together
 * @param rank the highest rank of a module
 */
public record AdapterLimits(int loaded, int pinned, long pinnedBytes, int rank) {
    /** None. */
    public static final AdapterLimits NONE =
            new AdapterLimits(Integer.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE);

    public AdapterLimits {
        if (loaded < 1 || pinned < 0 || pinnedBytes < 0 || rank < 1) {
            throw new IllegalArgumentException("limits of " + loaded + " adapters, " + pinned + " pinned, "
                    + pinnedBytes + " bytes, rank " + rank);
        }
    }
}
