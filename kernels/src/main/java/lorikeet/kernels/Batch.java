package lorikeet.kernels;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One step of the engine: a flat list of tokens, the prompt chunks and the running sequences together.
 *
 * <p>Sequences of the same adapter stand next to each other, so that each adapter's tokens are one range of rows; a
 * sequence's tokens are consecutive positions of its text. Some rows are asked for: their logits are computed.
 *
 * <p>Filled anew for each step with {@link #clear}, {@link #addSequence} and the setters; its arrays grow to the largest
 * step seen and are reused. Filled by one thread; read-only while a step runs.
 */
public final class Batch {
    private final RowGroups tokenGroups = new RowGroups();
    private final RowGroups outputGroups = new RowGroups();
    private int tokens;
    private int sequences;
    private int outputs;
    private int[] ids = new int[16];
    private int[] positions = new int[16];
    private int[] outputRows = new int[16];
    private int[] sequenceEnds = new int[8];
    private int[][] blockTables = new int[8][];
    private RotaryFrequencies[] rotaries = new RotaryFrequencies[8];

    /** Makes an empty batch. */
    public Batch() {}

    /** Forgets the last step. */
    public void clear() {
        tokenGroups.clear();
        outputGroups.clear();
        Arrays.fill(blockTables, 0, sequences, null);
        Arrays.fill(rotaries, 0, sequences, null);
        tokens = 0;
        sequences = 0;
        outputs = 0;
    }

    /**
     * Appends tokens of one sequence.
     *
     * @param adapter the sequence's adapter, null for the base model
     * @param source holds the token ids, or what {@link #chosen} says
     * @param from index in {@code source} of the first token of this step, which is also its position
     * @param to one past the last token of this step
     * @param blockTable the sequence's KV blocks by number; covers position {@code to - 1}; read until {@link #clear}
     * @param rotary the angles for these tokens
     * @param outputsWanted logits are computed for the last this many of the tokens
     */
    public void addSequence(
            @Nullable AdapterWeights adapter,
            int[] source,
            int from,
            int to,
            int[] blockTable,
            RotaryFrequencies rotary,
            int outputsWanted) {
        int count = to - from;
        if (count <= 0 || outputsWanted < 0 || outputsWanted > count) {
            throw new IllegalArgumentException(
                    "tokens " + from + " to " + to + " of a sequence with " + outputsWanted + " outputs");
        }
        growTokens(tokens + count);
        System.arraycopy(source, from, ids, tokens, count);
        for (int i = 0; i < count; i++) {
            positions[tokens + i] = from + i;
        }
        for (int i = count - outputsWanted; i < count; i++) {
            outputRows[outputs++] = tokens + i;
        }
        tokens += count;
        growSequences(sequences + 1);
        sequenceEnds[sequences] = tokens;
        blockTables[sequences] = blockTable;
        rotaries[sequences] = rotary;
        sequences++;
        tokenGroups.add(adapter, count);
        outputGroups.add(adapter, outputsWanted);
    }

    private void growTokens(int size) {
        if (size > ids.length) {
            int capacity = Math.max(size, 2 * ids.length);
            ids = Arrays.copyOf(ids, capacity);
            positions = Arrays.copyOf(positions, capacity);
            outputRows = Arrays.copyOf(outputRows, capacity);
        }
    }

    private void growSequences(int size) {
        if (size > sequenceEnds.length) {
            int capacity = 2 * sequenceEnds.length;
            sequenceEnds = Arrays.copyOf(sequenceEnds, capacity);
            blockTables = Arrays.copyOf(blockTables, capacity);
            rotaries = Arrays.copyOf(rotaries, capacity);
        }
    }

    /** Number of tokens (rows) in this step. */
    public int tokens() {
        return tokens;
    }

    /**
     * What stands for the vocabulary number of a token that nobody has seen yet: the one that row {@code row} of the
     * {@linkplain Sampler#start sampling} started last chooses.
     *
     * @return a number below zero; for a number below zero, the row that it was made of
     */
    public static int chosen(int row) {
        return ~row;
    }

    /** The vocabulary number of token {@code row}, or what {@link #chosen} says. */
    public int id(int row) {
        return ids[row];
    }

    /** The position of token {@code row} in its sequence, from 0. */
    public int position(int row) {
        return positions[row];
    }

    /** Number of sequences in this step. */
    public int sequences() {
        return sequences;
    }

    /** First row of sequence {@code s}. */
    public int sequenceStart(int s) {
        return s == 0 ? 0 : sequenceEnds[s - 1];
    }

    /** One past the last row of sequence {@code s}. */
    public int sequenceEnd(int s) {
        return sequenceEnds[s];
    }

    /** The KV block numbers of sequence {@code s}; block {@code p / 16} holds position {@code p}. Not to be changed. */
    public int[] blockTable(int s) {
        return blockTables[s];
    }

    /** The angles for the tokens of sequence {@code s}. */
    public RotaryFrequencies rotary(int s) {
        return rotaries[s];
    }

    /** Number of rows whose logits are wanted. */
    public int outputs() {
        return outputs;
    }

    /** The token row of output {@code o}; ascending. */
    public int outputRow(int o) {
        return outputRows[o];
    }

    /** The tokens grouped by adapter. */
    public RowGroups tokenGroups() {
        return tokenGroups;
    }

    /** The outputs grouped by adapter. */
    public RowGroups outputGroups() {
        return outputGroups;
    }
}
