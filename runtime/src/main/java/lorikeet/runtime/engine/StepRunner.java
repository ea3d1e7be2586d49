package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.InvalidLogitsException;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Runs a planned step on the device: the forward pass, and then what its logits are for. {@link #launch} only gives the
 * device its work, {@link #finish} waits for it; between the two the next step can be prepared. Engine thread only.
 */
final class StepRunner {
    private final Device device;
    private final KvBlocks blocks;
    private final List<SamplingState> states = new ArrayList<>();

    StepRunner(Device device, KvBlocks blocks) {
        this.device = device;
        this.blocks = blocks;
    }

    /** Starts a step. The plan and what it refers to must not change before {@link #finish} has returned. */
    Matrix launch(StepPlan plan) {
        return device.run(plan.batch(), blocks);
    }

    /**
     * Waits for a step and chooses, or scores, the token of each row.
     *
     * @return for each row its token, or null where the logits were no numbers to choose from
     */
    @Nullable
    SampledToken[] finish(StepPlan plan, Matrix logits) {
        List<StepPlan.Row> rows = plan.rows();
        @Nullable SampledToken[] tokens = new SampledToken[rows.size()];
        for (int from = 0; from < tokens.length; ) {
            int to = from + 1;
            while (to < tokens.length && belongTogether(rows.get(from), rows.get(to))) {
                to++;
            }
            fill(plan, logits, from, to, tokens);
            from = to;
        }
        return tokens;
    }

    private static boolean belongTogether(StepPlan.Row first, StepPlan.Row next) {
        return first.isScore() ? next.isScore() && first.sequence() == next.sequence() : !next.isScore();
    }

    /** Fills in the tokens of rows of one kind. Where some are invalid, the rows between them are done by themselves. */
    private void fill(StepPlan plan, Matrix logits, int from, int to, @Nullable SampledToken[] tokens) {
        if (from == to) {
            return;
        }
        Matrix part = logits.rows(from, to);
        List<SampledToken> found;
        try {
            found = plan.rows().get(from).isScore() ? score(plan, part, from, to) : sample(plan, part, from, to);
        } catch (InvalidLogitsException e) {
            int next = from;
            for (int row : e.rows()) {
                fill(plan, logits, next, from + row, tokens);
                next = from + row + 1;
            }
            fill(plan, logits, next, to, tokens);
            return;
        }
        for (int i = 0; i < found.size(); i++) {
            tokens[from + i] = found.get(i);
        }
    }

    private List<SampledToken> sample(StepPlan plan, Matrix logits, int from, int to) {
        states.clear();
        for (int row = from; row < to; row++) {
            StepPlan.Row wanted = plan.rows().get(row);
            SequenceGroup group = wanted.sequence().group();
            if (group.settings().wantsLogits()) {
                float[] values = new float[logits.cols()];
                device.read(logits, row - from, values);
                group.listener().onLogits(wanted.sequence().choice(), values);
            }
            states.add(wanted.sequence().sampling());
        }
        return device.sampler().sample(logits, states);
    }

    private List<SampledToken> score(StepPlan plan, Matrix logits, int from, int to) {
        int[] scored = new int[to - from];
        Arrays.setAll(scored, i -> plan.rows().get(from + i).scored());
        GroupSettings.Scoring scoring =
                plan.rows().get(from).sequence().group().settings().scoring();
        return device.sampler().score(logits, scored, scoring == null ? 0 : scoring.alternatives());
    }
}
