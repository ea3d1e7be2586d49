package lorikeet.runtime.engine;

import java.util.Arrays;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.SamplingState;
import org.jspecify.annotations.Nullable;

/**
 * One text in the making: the tokens of the prompt and those chosen so far. Tokens up to {@code computed} have their keys
 * and values in the cache. Confined to the thread that steps the engine.
 */
public final class Sequence {
    private static final int[] NO_BLOCKS = {};

    private final @Nullable AdapterWeights adapter;
    private final long group;
    private final int promptLength;
    private final int maxTokens;
    private final SamplingState sampling;
    private final SequenceListener listener;
    private int[] tokens;
    private int length;
    private int computed;
    private int[] blocks = NO_BLOCKS;

    /**
     * A sequence that waits to be run.
     *
     * @param prompt at least one token
     * @param maxTokens the most tokens to choose
     * @param adapter what to add to the base model, or null
     * @param group the adapter's id; sequences of the same adapter, and only they, have the same
     * @param sampling how tokens are chosen
     * @param listener receives them
     */
    public Sequence(
            int[] prompt,
            int maxTokens,
            @Nullable AdapterWeights adapter,
            long group,
            SamplingState sampling,
            SequenceListener listener) {
        if (prompt.length == 0 || maxTokens < 1) {
            throw new IllegalArgumentException(
                    "a prompt of " + prompt.length + " tokens, to be continued by " + maxTokens);
        }
        this.tokens = Arrays.copyOf(prompt, prompt.length + Math.min(maxTokens, 64));
        this.length = prompt.length;
        this.promptLength = prompt.length;
        this.maxTokens = maxTokens;
        this.adapter = adapter;
        this.group = group;
        this.sampling = sampling;
        this.listener = listener;
        for (int token : prompt) {
            sampling.seePrompt(token);
        }
    }

    @Nullable
    AdapterWeights adapter() {
        return adapter;
    }

    long group() {
        return group;
    }

    SamplingState sampling() {
        return sampling;
    }

    SequenceListener listener() {
        return listener;
    }

    int[] tokens() {
        return tokens;
    }

    int computed() {
        return computed;
    }

    int[] blocks() {
        return blocks;
    }

    int promptLength() {
        return promptLength;
    }

    /** Tokens that are known but not yet computed. */
    int pending() {
        return length - computed;
    }

    /** The most tokens whose keys and values are ever kept: the last one chosen is not computed. */
    int maxCached() {
        return promptLength + maxTokens - 1;
    }

    boolean reachedMaxTokens() {
        return length - promptLength >= maxTokens;
    }

    void lend(int[] lent) {
        blocks = lent;
    }

    int[] takeBlocks() {
        int[] lent = blocks;
        blocks = NO_BLOCKS;
        return lent;
    }

    void advance(int count) {
        computed += count;
    }

    void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        tokens[length++] = token;
    }
}
