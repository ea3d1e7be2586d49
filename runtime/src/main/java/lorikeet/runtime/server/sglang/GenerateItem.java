package lorikeet.runtime.server.sglang;

import java.util.List;
import java.util.Optional;
import lorikeet.runtime.Request;
import lorikeet.runtime.server.generation.ModelName;
import lorikeet.runtime.server.generation.Sampling;

/**
 * One prompt of a call.
 *
 * @param prompt its tokens
 * @param adapter the adapter's name, absent for the base model
 * @param sampling how to continue it
 * @param maxTokens by how many tokens; may be 0, to score the prompt
 * @param logProbs tokens come with log-probabilities
 * @param alternatives so many likely others with each
 * @param scoredFrom the first token of the prompt to list with them; its length for none
 */
record GenerateItem(
        List<Integer> prompt,
        Optional<String> adapter,
        Sampling sampling,
        int maxTokens,
        boolean logProbs,
        int alternatives,
        int scoredFrom) {

    Request request(String baseName) {
        ModelName model = adapter.map(name -> ModelName.of(name, baseName)).orElseGet(ModelName.Base::new);
        Request request = model.apply(sampling.request(prompt, Math.max(1, maxTokens)));
        return logProbs && scoredFrom + 1 < prompt.size()
                ? request.promptLogProbs(scoredFrom + 1, alternatives)
                : request;
    }
}
