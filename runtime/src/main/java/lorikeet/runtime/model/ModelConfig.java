package lorikeet.runtime.model;

import java.util.List;

/**
 * What config.json says of a model.
 *
 * @param family the architecture
 * @param vocabulary number of tokens in the embedding table
 * @param hidden length of a hidden state
 * @param intermediate length of the MLP's inner state
 * @param layers number of layers
 * @param heads number of query heads
 * @param kvHeads number of key and value heads
 * @param headSize components of a head
 * @param windows for each layer the sliding window in tokens, 0 where a token sees all before it
 * @param normEpsilon of all norms
 * @param tiedEmbeddings the head is the embedding table
 * @param queryBias q, k and v have a bias
 * @param outputBias o has a bias
 * @param mlpBias gate, up and down have a bias
 * @param headNorms the heads of q and k are normed
 * @param maxPositions the longest text that the model was made for
 * @param rope the rotary position embedding
 */
public record ModelConfig(
        Family family,
        int vocabulary,
        int hidden,
        int intermediate,
        int layers,
        int heads,
        int kvHeads,
        int headSize,
        List<Integer> windows,
        float normEpsilon,
        boolean tiedEmbeddings,
        boolean queryBias,
        boolean outputBias,
        boolean mlpBias,
        boolean headNorms,
        int maxPositions,
        Rope rope) {
    public ModelConfig {
        windows = List.copyOf(windows);
    }
}
