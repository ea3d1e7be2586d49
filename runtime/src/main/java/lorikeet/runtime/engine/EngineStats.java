package lorikeet.runtime.engine;

/**
 * What the engine is doing and has done.
 *
 * @param running sequences that run
 * @param waiting sequences that wait to be started or resumed
 * @param steps steps that were run
 * @param promptTokens tokens of the prompts that were started
 * @param cachedTokens those of them that the prefix cache had
 * @param generatedTokens tokens that were chosen
 * @param answered requests that ended with an answer
 * @param failed requests that failed
 * @param preemptions how often a sequence was put back
 * @param blocks KV blocks that could be lent
 * @param usedBlocks KV blocks that running sequences hold
 * @param cachedBlocks KV blocks that only the prefix cache holds
 */
public record EngineStats(
        int running,
        int waiting,
        long steps,
        long promptTokens,
        long cachedTokens,
        long generatedTokens,
        long answered,
        long failed,
        long preemptions,
        int blocks,
        int usedBlocks,
        int cachedBlocks) {}
