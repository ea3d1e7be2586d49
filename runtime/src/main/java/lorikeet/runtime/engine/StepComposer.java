package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lorikeet.kernels.AdapterWeights;
import lorikeet.runtime.adapter.AdapterLease;
import org.jspecify.annotations.Nullable;

/**
 * Composes a step of the running sequences. Each that only waits for its next token gets that one. What is left of the
 * token budget goes to prompts: in equal parts to the adapters (and the base model) that have some, and within each in
 * the order of arrival. If there are more adapters than a step may have, those whose turn is longest ago come first; the
 * base model is always in. Engine thread only.
 */
final class StepComposer {
    private final int maxTokens;
    private final int maxRows;
    private final int maxAdapters;
    private final Residency residency;
    private final List<RunningAdapter> chosen = new ArrayList<>();
    private final List<StepPlan.Share> shares = new ArrayList<>();

    /**
     * A composer.
     *
     * @param maxTokens the most tokens in a step, at least as many as sequences may run
     * @param maxRows the most rows of logits, at least as many as sequences may run
     * @param maxAdapters the most adapters in a step
     */
    StepComposer(int maxTokens, int maxRows, int maxAdapters, Residency residency) {
        this.maxTokens = maxTokens;
        this.maxRows = maxRows;
        this.maxAdapters = maxAdapters;
        this.residency = residency;
    }

    /** Fills {@code plan} for step number {@code step}. All sequences have the blocks for their expected tokens. */
    void compose(RunningSet running, long step, StepPlan plan) {
        plan.clear();
        shares.clear();
        countPending(running);
        chooseAdapters(running, step);
        int left = maxTokens;
        int sparseRows = maxRows;
        for (Sequence sequence : running.sequences()) {
            if (isIn(sequence, step) && sequence.pending() > 0) {
                sparseRows--;
                if (sequence.pending() == 1) {
                    shares.add(new StepPlan.Share(sequence, 1));
                    left--;
                }
            }
        }
        grantPrompts(running, step, left);
        for (Sequence sequence : running.sequences()) {
            if (isIn(sequence, step) && sequence.pending() > 1) {
                sparseRows -= addPrompt(sequence, step, sparseRows);
            }
        }
        shares.sort(Comparator.comparingLong(share -> share.sequence().group().adapterId()));
        for (StepPlan.Share share : shares) {
            plan.add(share, weights(share.sequence()));
        }
    }

    private @Nullable AdapterWeights weights(Sequence sequence) {
        AdapterLease lease = sequence.group().lease();
        return lease == null ? null : residency.weights(lease);
    }

    private static boolean isIn(Sequence sequence, long step) {
        return sequence.adapter().lastStep() == step;
    }

    private static void countPending(RunningSet running) {
        for (Sequence sequence : running.sequences()) {
            sequence.adapter().wanted(0);
        }
        for (Sequence sequence : running.sequences()) {
            RunningAdapter adapter = sequence.adapter();
            adapter.wanted(Math.addExact(adapter.wanted(), sequence.pending()));
        }
    }

    /** Those of which nothing is pending, because their texts end with the step in flight, need no turn. */
    private void chooseAdapters(RunningSet running, long step) {
        chosen.clear();
        for (RunningAdapter adapter : running.adapters()) {
            if (adapter.isBase()) {
                adapter.lastStep(step);
            } else if (adapter.wanted() > 0) {
                chosen.add(adapter);
            }
        }
        if (chosen.size() > maxAdapters) {
            chosen.sort(Comparator.<RunningAdapter>comparingLong(RunningAdapter::lastStep)
                    .thenComparingLong(RunningAdapter::id));
        }
        for (int i = 0; i < Math.min(maxAdapters, chosen.size()); i++) {
            chosen.get(i).lastStep(step);
        }
    }

    /** Shares {@code left} tokens out to the adapters with prompts; who got some longest ago comes first. */
    private void grantPrompts(RunningSet running, long step, int left) {
        chosen.clear();
        for (Sequence sequence : running.sequences()) {
            sequence.adapter().wanted(0);
            sequence.adapter().granted(0);
        }
        for (Sequence sequence : running.sequences()) {
            if (isIn(sequence, step) && sequence.pending() > 1) {
                RunningAdapter adapter = sequence.adapter();
                if (adapter.wanted() == 0) {
                    chosen.add(adapter);
                }
                adapter.wanted(Math.addExact(adapter.wanted(), sequence.pending()));
            }
        }
        chosen.sort(Comparator.comparingLong(RunningAdapter::lastPrompt));
        int rest = left;
        for (int i = 0; i < chosen.size(); i++) {
            int others = chosen.size() - i;
            rest -= grant(chosen.get(i), (rest + others - 1) / others);
        }
        for (RunningAdapter adapter : chosen) {
            rest -= grant(adapter, rest);
        }
    }

    private static int grant(RunningAdapter adapter, int most) {
        int more = Math.min(most, adapter.wanted() - adapter.granted());
        adapter.granted(adapter.granted() + more);
        return more;
    }

    /** Adds what the adapter's grant still has for this prompt; returns the rows of logits it takes beyond its one. */
    private int addPrompt(Sequence sequence, long step, int sparseRows) {
        RunningAdapter adapter = sequence.adapter();
        StepPlan.Share share = new StepPlan.Share(sequence, Math.min(sequence.pending(), adapter.granted()));
        int tooMany = share.rows() - (1 + sparseRows);
        if (tooMany > 0) {
            share = new StepPlan.Share(sequence, share.tokens() - tooMany);
        }
        if (share.tokens() == 0) {
            return 0;
        }
        adapter.granted(adapter.granted() - share.tokens());
        adapter.lastPrompt(step);
        shares.add(share);
        return Math.max(0, share.rows() - 1);
    }
}
