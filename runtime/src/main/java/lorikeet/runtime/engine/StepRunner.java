package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.InvalidLogitsException;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampling;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Runs a planned step on the device: the forward pass, and then what its logits are for. {@link #launch} only gives the
 * device its work, {@link #finish} waits for it; between the two the next step can be prepared, and launched if this one
 * may be followed. Engine thread only.
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
    FlyingStep launch(StepPlan plan) {
        Matrix logits = device.run(plan.batch(), blocks);
        return new FlyingStep(
                plan,
                logits,
                plan.onlyChooses() ? start(plan, logits, 0, plan.rows().size()) : null);
    }

    /** Whether the next step may be launched before this one has landed: its tokens are all that is wanted of it. */
    boolean mayBeFollowed(FlyingStep step) {
        return device.looksAhead() && step.sampling() != null;
    }

    /**
     * Waits for a step and chooses, or scores, the token of each row. Steps are finished in the order of their launch.
     *
     * @return for each row its token, or null where the logits were no numbers to choose from
     */
    List<@Nullable SampledToken> finish(FlyingStep step) {
        if (step.sampling() != null) {
            return step.sampling().await();
        }
        List<StepPlan.Row> rows = step.plan().rows();
        @Nullable SampledToken[] tokens = new SampledToken[rows.size()];
        for (int from = 0; from < tokens.length; ) {
            int to = from + 1;
            while (to < tokens.length && belongTogether(rows.get(from), rows.get(to))) {
                to++;
            }
            fill(step.plan(), step.logits(), from, to, tokens);
            from = to;
        }
        return Arrays.asList(tokens);
    }

    private static boolean belongTogether(StepPlan.Row first, StepPlan.Row next) {
        return first.isScore() ? next.isScore() && first.sequence() == next.sequence() : !next.isScore();
    }

    /** Fills in the tokens of rows of one kind. */
    private void fill(StepPlan plan, Matrix logits, int from, int to, @Nullable SampledToken[] tokens) {
        if (plan.rows().get(from).isScore()) {
            score(plan, logits, from, to, tokens);
            return;
        }
        for (int row = from; row < to; row++) {
            Sequence sequence = plan.rows().get(row).sequence();
            if (sequence.group().settings().wantsLogits() && !sequence.hasEnded()) {
                float[] values = new float[logits.cols()];
                device.read(logits, row, values);
                sequence.group().listener().onLogits(sequence.choice(), values);
            }
        }
        List<@Nullable SampledToken> chosen = start(plan, logits, from, to).await();
        for (int i = 0; i < chosen.size(); i++) {
            tokens[from + i] = chosen.get(i);
        }
    }

    private Sampling start(StepPlan plan, Matrix logits, int from, int to) {
        states.clear();
        for (int row = from; row < to; row++) {
            states.add(plan.rows().get(row).sequence().sampling());
        }
        return device.sampler().start(logits.rows(from, to), states);
    }

    /** Scores rows. Where some are invalid, the rows between them are done by themselves. */
    private void score(StepPlan plan, Matrix logits, int from, int to, @Nullable SampledToken[] tokens) {
        if (from == to) {
            return;
        }
        List<SampledToken> found;
        try {
            found = score(plan, logits.rows(from, to), from, to);
        } catch (InvalidLogitsException e) {
            int next = from;
            for (int row : e.rows()) {
                score(plan, logits, next, from + row, tokens);
                next = from + row + 1;
            }
            score(plan, logits, next, to, tokens);
            return;
        }
        for (int i = 0; i < found.size(); i++) {
            tokens[from + i] = found.get(i);
        }
    }

    private List<SampledToken> score(StepPlan plan, Matrix logits, int from, int to) {
        int[] scored = new int[to - from];
        Arrays.setAll(scored, i -> plan.rows().get(from + i).scored());
        GroupSettings.Scoring scoring =
                plan.rows().get(from).sequence().group().settings().scoring();
        return device.sampler().score(logits, scored, scoring == null ? 0 : scoring.alternatives());
    }
}
