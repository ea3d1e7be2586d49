package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.List;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.runtime.model.Rope;
import org.jspecify.annotations.Nullable;

/**
 * One step: which sequences get how many tokens, the batch that the device computes, and what its rows of logits are for.
 * Filled before the step, read after it, and reused; two plans take turns, so that one can be filled while the device
 * works on the other.
 */
final class StepPlan {
    private final Rope rope;
    private final Batch batch = new Batch();
    private final List<Share> shares = new ArrayList<>();
    private final List<Row> rows = new ArrayList<>();

    /** A sequence's part in the step: its next {@code tokens} tokens. */
    record Share(Sequence sequence, int tokens) {
        /** One past the last token. */
        int end() {
            return sequence.launched() + tokens;
        }

        /** The first token whose row of logits is wanted. */
        int firstRow() {
            int score = sequence.nextScore();
            int first = score < sequence.promptLength() ? score - 1 : sequence.expectedLength() - 1;
            return Math.max(first, sequence.launched());
        }

        /** The rows of logits that are wanted. */
        int rows() {
            return Math.max(0, end() - firstRow());
        }
    }

    /**
     * What a row of logits is for.
     *
     * @param scored the token of the prompt to be scored, or -1 where the next token is to be chosen
     */
    record Row(Sequence sequence, int scored) {
        boolean isScore() {
            return scored >= 0;
        }

        /** Whether its token is chosen, and nothing else is asked of it. */
        boolean onlyChooses() {
            return !isScore() && !sequence.group().settings().wantsLogits();
        }
    }

    StepPlan(Rope rope) {
        this.rope = rope;
    }

    void clear() {
        batch.clear();
        shares.clear();
        rows.clear();
    }

    /** Adds a share; those of one adapter must follow one another. */
    void add(Share share, @Nullable AdapterWeights adapter) {
        shares.add(share);
        Sequence sequence = share.sequence();
        int end = share.end();
        int wanted = share.rows();
        for (int from = sequence.launched(); from < end; ) {
            // A text that was put back has tokens that were turned one by one, each by the length that it made.
            int to = sameTurn(sequence, from, end);
            batch.addSequence(
                    adapter,
                    sequence.tokens(),
                    from,
                    to,
                    sequence.blocks(),
                    rope.frequencies(Math.max(sequence.promptLength(), to)),
                    Math.max(0, wanted - (end - to)));
            from = to;
        }
        for (int position = end - wanted; position < end; position++) {
            boolean chooses = position == sequence.expectedLength() - 1;
            rows.add(new Row(sequence, chooses ? -1 : sequence.tokens()[position + 1]));
        }
    }

    private int sameTurn(Sequence sequence, int from, int end) {
        if (from < sequence.promptLength()) {
            return Math.min(end, Math.max(sequence.promptLength(), rope.steadyLength()));
        }
        return Math.min(end, Math.max(from + 1, rope.steadyLength()));
    }

    /** Whether all rows are for choosing tokens: the step's results are no more than these. */
    boolean onlyChooses() {
        for (Row row : rows) {
            if (!row.onlyChooses()) {
                return false;
            }
        }
        return true;
    }

    /**
     * Notes that the step was launched.
     *
     * @param mayBeFollowed whether the next step may be launched before this one has landed
     */
    void launched(boolean mayBeFollowed) {
        for (Share share : shares) {
            share.sequence().launch(share.tokens());
        }
        for (int row = 0; row < rows.size() && mayBeFollowed; row++) {
            Sequence sequence = rows.get(row).sequence();
            if (!sequence.endsWithNextToken()) {
                sequence.expect(row);
            }
        }
    }

    boolean isEmpty() {
        return shares.isEmpty();
    }

    Batch batch() {
        return batch;
    }

    List<Share> shares() {
        return shares;
    }

    /** One for each row of logits, in their order. */
    List<Row> rows() {
        return rows;
    }
}
