package lorikeet.runtime.engine;

import java.util.List;
import java.util.function.LongSupplier;
import lorikeet.kernels.SampledToken;
import lorikeet.memory.Matrix;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import org.jspecify.annotations.Nullable;

/** Takes steps: composes one of what runs, has it computed, and hands out its tokens. Engine thread only. */
final class Stepper {
    private final Device device;
    private final Scheduler scheduler;
    private final StepComposer composer;
    private final StepRunner runner;
    private final KvMemory memory;
    private final LiveRequests requests;
    private final Counters counters;
    private final LongSupplier clock;
    private final StepPlan plan;

    Stepper(
            Device device,
            Scheduler scheduler,
            StepComposer composer,
            StepRunner runner,
            KvMemory memory,
            LiveRequests requests,
            Counters counters,
            LongSupplier clock,
            StepPlan plan) {
        this.device = device;
        this.scheduler = scheduler;
        this.composer = composer;
        this.runner = runner;
        this.memory = memory;
        this.requests = requests;
        this.counters = counters;
        this.clock = clock;
        this.plan = plan;
    }

    /** Takes one step. All running sequences have the blocks that they need. */
    void step() {
        composer.compose(scheduler.running(), counters.steps(), plan);
        if (plan.isEmpty()) {
            return;
        }
        @Nullable SampledToken[] tokens;
        try {
            device.checkFiles();
            Matrix logits = runner.launch(plan);
            tokens = runner.finish(plan, logits);
            device.checkFiles();
        } catch (RuntimeException | Error e) {
            failStep(e);
            return;
        }
        counters.stepDone();
        for (StepPlan.Share share : plan.shares()) {
            share.sequence().advance(share.tokens());
        }
        deliver(tokens);
    }

    private void failStep(Throwable cause) {
        LorikeetException reason = reason(cause);
        for (StepPlan.Share share : plan.shares()) {
            requests.fail(share.sequence().group(), reason);
        }
    }

    /** Why a step failed: a file that was cut short meanwhile, or else a mistake. */
    private LorikeetException reason(Throwable cause) {
        if (cause instanceof LorikeetException known) {
            return known;
        }
        try {
            device.checkFiles();
        } catch (LorikeetException e) {
            e.addSuppressed(cause);
            return e;
        }
        return new LorikeetException(ErrorCode.INTERNAL, "the step failed: " + cause, cause);
    }

    private void deliver(@Nullable SampledToken[] tokens) {
        long now = clock.getAsLong();
        List<StepPlan.Row> rows = plan.rows();
        for (int i = 0; i < tokens.length; i++) {
            StepPlan.Row row = rows.get(i);
            SequenceGroup group = row.sequence().group();
            SampledToken token = tokens[i];
            if (group.hasEnded()) {
                continue;
            }
            if (token == null) {
                requests.fail(group, invalidLogits());
            } else if (row.isScore()) {
                group.addScore(token);
            } else {
                deliver(row.sequence(), token, now);
            }
        }
    }

    private static LorikeetException invalidLogits() {
        return new LorikeetException(
                ErrorCode.INVALID_FILE,
                "the logits are not numbers that a token can be chosen from: the weights of the model or of the"
                        + " adapter are broken");
    }

    private void deliver(Sequence sequence, SampledToken token, long now) {
        SequenceGroup group = sequence.group();
        sequence.append(token.id());
        group.tokenChosen(now);
        counters.tokenChosen();
        if (sequence.generated() == 1) {
            memory.publish(sequence);
        }
        boolean goesOn;
        try {
            goesOn = group.listener().onToken(sequence.choice(), token);
        } catch (RuntimeException | Error e) {
            requests.fail(group, new LorikeetException(ErrorCode.INTERNAL, "the listener failed: " + e, e));
            return;
        }
        if (!goesOn || sequence.reachedMaxTokens()) {
            requests.end(sequence);
        }
    }
}
