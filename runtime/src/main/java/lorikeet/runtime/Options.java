package lorikeet.runtime;

/**
 * How a model is run. Immutable; each method returns a changed copy.
 *
 * @param threads threads that compute on the CPU, the calling one included
 * @param cacheBytes the most memory for keys and values; reserved as it is needed
 * @param stepTokens the most tokens in a step: prompts are computed in pieces of this size
 * @param running the most texts that are made at the same time; further ones wait
 */
public record Options(int threads, long cacheBytes, int stepTokens, int running) {
    /** All processors, a quarter of the memory that the JVM may use, steps of 512 tokens, and 64 texts at a time. */
    public static final Options DEFAULT = new Options(
            Runtime.getRuntime().availableProcessors(), Runtime.getRuntime().maxMemory() / 4, 512, 64);

    public Options {
        if (threads < 1 || cacheBytes < 1 || stepTokens < 1 || running < 1) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST,
                    "threads, cacheBytes, stepTokens and running must be at least 1, they are " + threads + ", "
                            + cacheBytes + ", " + stepTokens + " and " + running);
        }
    }

    /** Computes with this many threads. */
    public Options threads(int value) {
        return new Options(value, cacheBytes, stepTokens, running);
    }

    /** Keeps at most this many bytes of keys and values. */
    public Options cacheBytes(long value) {
        return new Options(threads, value, stepTokens, running);
    }

    /** Computes at most this many tokens in a step. */
    public Options stepTokens(int value) {
        return new Options(threads, cacheBytes, value, running);
    }

    /** Makes at most this many texts at the same time. */
    public Options running(int value) {
        return new Options(threads, cacheBytes, stepTokens, value);
    }
}
