package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lorikeet.kernels.Batch;
import lorikeet.runtime.model.Rope;

/**
 * Decides which of the running sequences get how many tokens in a step: each that only waits for its next token gets
 * that one; what is left of the budget goes to prompts, in the order in which they came. Sequences of one adapter stand
 * together in the batch.
 */
final class StepPlanner {
    private final Rope rope;
    private final int maxTokens;
    private final List<Share> shares = new ArrayList<>();

    /** A sequence's tokens in the step. */
    private record Share(Sequence sequence, int tokens) {}

    StepPlanner(Rope rope, int maxTokens) {
        this.rope = rope;
        this.maxTokens = maxTokens;
    }

    /**
     * Fills {@code batch} for a step.
     *
     * @param running in the order in which they came
     * @param outputs receives the sequences whose next token this step gives, in the order of the batch's outputs
     */
    void plan(List<Sequence> running, Batch batch, List<Sequence> outputs) {
        shares.clear();
        int left = maxTokens;
        for (Sequence sequence : running) {
            if (sequence.pending() == 1 && left > 0) {
                shares.add(new Share(sequence, 1));
                left--;
            }
        }
        for (Sequence sequence : running) {
            if (sequence.pending() > 1 && left > 0) {
                int tokens = Math.min(sequence.pending(), left);
                shares.add(new Share(sequence, tokens));
                left -= tokens;
            }
        }
        shares.sort(Comparator.comparingLong(share -> share.sequence.group()));
        batch.clear();
        outputs.clear();
        for (Share share : shares) {
            add(share, batch, outputs);
        }
    }

    private void add(Share share, Batch batch, List<Sequence> outputs) {
        Sequence sequence = share.sequence;
        int from = sequence.computed();
        int to = from + share.tokens;
        boolean last = share.tokens == sequence.pending();
        batch.addSequence(
                sequence.adapter(),
                sequence.tokens(),
                from,
                to,
                sequence.blocks(),
                rope.frequencies(Math.max(sequence.promptLength(), to)),
                last ? 1 : 0);
        if (last) {
            outputs.add(sequence);
        }
        sequence.advance(share.tokens);
    }
}
