package lorikeet.kernels;

/**
 * The attention of one layer.
 *
 * @param layer number of the layer, from 0
 * @param heads number of query heads, a multiple of {@code kvHeads}
 * @param kvHeads number of key and value heads
 * @param headSize components of a head
 * @param scale factor of the scores, usually {@code 1 / sqrt(headSize)}
 * @param window a token sees itself and the {@code window - 1} tokens before it; 0 for all of them
 */
public record AttentionShape(int layer, int heads, int kvHeads, int headSize, float scale, int window) {
    public AttentionShape {
        if (kvHeads <= 0 || heads % kvHeads != 0) {
            throw new IllegalArgumentException(heads + " heads over " + kvHeads + " key and value heads");
        }
    }
}
