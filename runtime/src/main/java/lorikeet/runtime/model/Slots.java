package lorikeet.runtime.model;

/**
 * Numbers the modules of a model that an adapter can change: those of layer 0, of layer 1, ..., then the three outside
 * the layers.
 *
 * @param layers number of layers
 */
public record Slots(int layers) {
    private static final int PER_LAYER = LayerPart.values().length;

    /** The slot of a layer's module. */
    @SuppressWarnings("EnumOrdinal") // Slots are numbered anew in each run and never stored.
    public int of(int layer, LayerPart part) {
        return layer * PER_LAYER + part.ordinal();
    }

    /** The slot of the norm after the last layer. */
    public int finalNorm() {
        return layers * PER_LAYER;
    }

    /** The slot of the embedding table. */
    public int embedding() {
        return finalNorm() + 1;
    }

    /** The slot of the head. */
    public int head() {
        return finalNorm() + 2;
    }

    /** Number of slots. */
    public int count() {
        return finalNorm() + 3;
    }
}
