package lorikeet.runtime.engine;

/**
 * How much the engine does at a time.
 *
 * @param running the most sequences that run
 * @param stepTokens the most tokens in a step, at least {@code running}
 * @param stepRows the most rows of logits in a step, at least {@code running}
 * @param batchAdapters the most adapters in one step, beside the base model
 * @param queueLength the most requests that wait to be started
 * @param prefixCache whether keys and values are kept for other requests
 */
public record EngineLimits(
        int running, int stepTokens, int stepRows, int batchAdapters, int queueLength, boolean prefixCache) {
    public EngineLimits {
        if (running < 1 || stepTokens < running || stepRows < running || batchAdapters < 1 || queueLength < 0) {
            throw new IllegalArgumentException(running + " running, " + stepTokens + " tokens and " + stepRows
                    + " rows a step, " + batchAdapters + " adapters in a batch, a queue of " + queueLength);
        }
    }
}
