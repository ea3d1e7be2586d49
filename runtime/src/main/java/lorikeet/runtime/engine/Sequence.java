package lorikeet.runtime.engine;

import java.util.Arrays;
import java.util.Objects;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.SamplingState;
import org.jspecify.annotations.Nullable;

/**
 * One text in the making: the tokens of the prompt and those chosen so far. Tokens up to {@code computed} have their keys
 * and values in its blocks; those up to {@code launched} will have them when the steps in flight have landed. Behind
 * the known tokens are those that these steps are choosing: the next step is launched with them before anybody has seen
 * them. Its first blocks may be the prefix cache's, which others read too; it writes only behind them. Confined to the
 * engine's thread once its group is submitted.
 */
final class Sequence {
    private static final int[] NO_BLOCKS = {};

    private final SequenceGroup group;
    private final int choice;
    private final int promptLength;
    private int[] tokens;
    private int length;
    private int expected;
    private int launched;
    private int computed;
    private int[] blocks = NO_BLOCKS;
    private int blockCount;
    private int sharedBlocks;
    private @Nullable SamplingState sampling;
    private @Nullable RadixNode prefix;
    private @Nullable RunningAdapter adapter;
    private boolean running;
    private boolean ended;

    /** The sequence that is choice number {@code choice} of a request. */
    Sequence(SequenceGroup group, int choice) {
        this.group = group;
        this.choice = choice;
        this.promptLength = group.prompt().length;
        this.tokens = group.prompt();
        this.length = promptLength;
    }

    SequenceGroup group() {
        return group;
    }

    int choice() {
        return choice;
    }

    SamplingState sampling() {
        return Objects.requireNonNull(sampling, "not prepared");
    }

    /** Takes a new state, and shows it the prompt. */
    void sampling(SamplingState value) {
        sampling = value;
        for (int i = 0; i < promptLength; i++) {
            value.seePrompt(tokens[i]);
        }
    }

    /** The tokens; only the first {@link #length} count, or {@link #expectedLength} for a step. */
    int[] tokens() {
        return tokens;
    }

    /** How many tokens are known. */
    int length() {
        return length;
    }

    int promptLength() {
        return promptLength;
    }

    /** The tokens that were chosen so far. */
    int generated() {
        return length - promptLength;
    }

    /** The known tokens, and those that steps in flight are choosing if the text goes on with them. */
    int expectedLength() {
        return length + expected;
    }

    /** The tokens whose keys and values are there. */
    int computed() {
        return computed;
    }

    /** The tokens whose keys and values are there or will be when the steps in flight have landed. */
    int launched() {
        return launched;
    }

    /** Expected tokens that no step was launched with. */
    int pending() {
        return expectedLength() - launched;
    }

    boolean reachedMaxTokens() {
        return generated() >= group.settings().maxTokens();
    }

    /** Whether the token that follows the expected ones is its last. */
    boolean endsWithNextToken() {
        return expectedLength() + 1 - promptLength >= group.settings().maxTokens();
    }

    /** The blocks; those behind {@link #blockCount} don't count. */
    int[] blocks() {
        return blocks;
    }

    int blockCount() {
        return blockCount;
    }

    /** How many of the first blocks are the prefix cache's. */
    int sharedBlocks() {
        return sharedBlocks;
    }

    /** The prefix cache's node of the last shared block; its root if there is none; null while not running. */
    @Nullable
    RadixNode prefix() {
        return prefix;
    }

    /** The adapter that it uses, among those that run. */
    RunningAdapter adapter() {
        return Objects.requireNonNull(adapter, "not running");
    }

    void adapter(RunningAdapter value) {
        adapter = value;
    }

    /** Where scoring the prompt goes on; {@link #promptLength} if it is done. The first choice does it for all. */
    int nextScore() {
        return choice == 0 ? group.nextScore() : promptLength;
    }

    /** Blocks that are missing to compute all expected tokens. */
    int missingBlocks() {
        return KvLayout.blocksFor(expectedLength()) - blockCount;
    }

    boolean isRunning() {
        return running;
    }

    boolean hasEnded() {
        return ended;
    }

    void end() {
        ended = true;
    }

    /** Starts, or resumes, behind the tokens whose blocks the prefix cache has. */
    void start(RadixNode node) {
        running = true;
        share(node);
        computed = sharedBlocks * KvLayout.BLOCK_TOKENS;
        launched = computed;
    }

    /** Takes the blocks up to this node for its first ones; the caller sees to those that it had there. */
    void share(RadixNode node) {
        prefix = node;
        sharedBlocks = node.depth();
        while (blockCount < sharedBlocks) {
            addBlock(0);
        }
        for (RadixNode at = node; at.depth() > 0; at = at.parent()) {
            blocks[at.depth() - 1] = at.block();
        }
    }

    void addBlock(int block) {
        if (blockCount == blocks.length) {
            blocks = Arrays.copyOf(blocks, Math.max(KvLayout.blocksFor(length), 2 * blockCount));
        }
        blocks[blockCount++] = block;
    }

    /** Stops running; somebody else sees to its blocks. */
    void stop() {
        running = false;
        blocks = NO_BLOCKS;
        blockCount = 0;
        sharedBlocks = 0;
        prefix = null;
        adapter = null;
        computed = 0;
        launched = 0;
        expected = 0;
    }

    /** A step with its next tokens was launched. */
    void launch(int count) {
        launched += count;
    }

    /** The oldest step with tokens of it, so many, has landed. */
    void land(int count) {
        computed += count;
    }

    /** Expects the token that a row of the step launched last chooses: it goes on with it unless that ends the text. */
    void expect(int row) {
        place(length + expected, Batch.chosen(row));
        expected++;
    }

    /** Adds a token, the first one that was expected if there was one. */
    void append(int token) {
        place(length, token);
        length++;
        expected = Math.max(0, expected - 1);
    }

    private void place(int index, int token) {
        if (index == tokens.length) {
            tokens = Arrays.copyOf(tokens, index + Math.clamp(index, 64, 4096));
        }
        tokens[index] = token;
    }
}
