package lorikeet.runtime;

/**
 * What the engine is doing and has done. Counts start when the model is opened.
 *
 * @param running choices that are being made
 * @param waiting choices and requests that wait to be started, or to be resumed, or for room for their adapters
 * @param steps forward passes; each serves all that runs
 * @param promptTokens tokens of the prompts of requests that were started
 * @param cachedPromptTokens those of them that were found in the prefix cache
 * @param generatedTokens tokens that were chosen
 * @param answered requests that ended with an answer, cancelled ones among them
 * @param failed requests that ended without
 * @param preemptions how often a choice was put back to make room for others
 * @param kvBlocks KV blocks, each of 16 tokens, that the pool could hold if it held nothing else
 * @param kvBlocksUsed KV blocks that running requests hold
 * @param kvBlocksCached KV blocks that only the prefix cache holds
 * @param poolBytes the size that the pool of KV blocks and adapters' weights may reach
 * @param poolBytesUsed how much of it is in use
 */
public record Stats(
        int running,
        int waiting,
        long steps,
        long promptTokens,
        long cachedPromptTokens,
        long generatedTokens,
        long answered,
        long failed,
        long preemptions,
        int kvBlocks,
        int kvBlocksUsed,
        int kvBlocksCached,
        long poolBytes,
        long poolBytesUsed) {
    /** Before the first request. */
    static final Stats NONE = new Stats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** The same with so many more that wait. */
    Stats plusWaiting(int more) {
        return new Stats(
                running,
                waiting + more,
                steps,
                promptTokens,
                cachedPromptTokens,
                generatedTokens,
                answered,
                failed,
                preemptions,
                kvBlocks,
                kvBlocksUsed,
                kvBlocksCached,
                poolBytes,
                poolBytesUsed);
    }
}
