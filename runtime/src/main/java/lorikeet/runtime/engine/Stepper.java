package lorikeet.runtime.engine;

import java.util.List;
import java.util.function.LongSupplier;
import lorikeet.bindings.CudaOutOfMemoryException;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.Rope;
import org.jspecify.annotations.Nullable;

/**
 * Takes steps: composes one of what runs, launches it, and hands out its tokens when it has landed. Where the device looks
 * ahead, the next step is launched first: the device goes from one to the other by itself, and this thread composes,
 * delivers and does what else there is to do meanwhile. A text that turns out to have ended is then in a step too many;
 * its row there is thrown away. Engine thread only.
 */
final class Stepper {
    private static final System.Logger LOG = System.getLogger(Stepper.class.getName());

    private final Device device;
    private final Scheduler scheduler;
    private final StepComposer composer;
    private final StepRunner runner;
    private final StepsInFlight flights;
    private final KvMemory memory;
    private final LiveRequests requests;
    private final Counters counters;
    private final LongSupplier clock;
    private StepPlan plan;
    private StepPlan otherPlan;
    private long composed;

    /** The step that lands when the next one was launched. */
    private @Nullable FlyingStep flying;

    Stepper(
            Device device,
            Scheduler scheduler,
            StepComposer composer,
            StepRunner runner,
            StepsInFlight flights,
            KvMemory memory,
            LiveRequests requests,
            Counters counters,
            LongSupplier clock,
            Rope rope) {
        this.device = device;
        this.scheduler = scheduler;
        this.composer = composer;
        this.runner = runner;
        this.flights = flights;
        this.memory = memory;
        this.requests = requests;
        this.counters = counters;
        this.clock = clock;
        this.plan = new StepPlan(rope);
        this.otherPlan = new StepPlan(rope);
    }

    /** Takes one step; false if there is nothing to do. All running sequences have the blocks that they need. */
    boolean step() {
        if (flying == null && scheduler.running().isEmpty()) {
            return false;
        }
        FlyingStep last = flying;
        flying = launch();
        if (last != null) {
            land(last);
        }
        if (flying != null && !runner.mayBeFollowed(flying)) {
            land();
        }
        return true;
    }

    private @Nullable FlyingStep launch() {
        composer.compose(scheduler.running(), composed++, plan);
        if (plan.isEmpty()) {
            return null;
        }
        FlyingStep step;
        try {
            device.checkFiles();
            step = runner.launch(plan);
        } catch (RuntimeException | Error e) {
            fail(plan, e);
            return null;
        }
        flights.launch();
        plan.launched(runner.mayBeFollowed(step));
        StepPlan launched = plan;
        plan = otherPlan;
        otherPlan = launched;
        return step;
    }

    /** Lands the step that is in flight, if there is one. */
    void land() {
        FlyingStep step = flying;
        if (step != null) {
            flying = null;
            land(step);
        }
    }

    private void land(FlyingStep step) {
        List<@Nullable SampledToken> tokens;
        try {
            tokens = runner.finish(step);
            device.checkFiles();
        } catch (RuntimeException | Error e) {
            fail(step.plan(), e);
            flights.land();
            return;
        }
        flights.land();
        counters.stepDone();
        for (StepPlan.Share share : step.plan().shares()) {
            if (share.sequence().isRunning()) {
                share.sequence().land(share.tokens());
            }
        }
        deliver(step.plan().rows(), tokens);
    }

    /** Waits for what is in flight and throws it away. */
    void abandon() {
        flying = null;
        try {
            device.await();
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.DEBUG, "a step that nobody waits for failed", e);
        }
        flights.landAll();
    }

    private void fail(StepPlan failed, Throwable cause) {
        LorikeetException reason = reason(cause);
        try {
            // A part of the step may still run, with blocks and weights that are given back now.
            device.await();
        } catch (RuntimeException | Error e) {
            reason.addSuppressed(e);
        }
        for (StepPlan.Share share : failed.shares()) {
            requests.fail(share.sequence().group(), reason);
        }
    }

    /** Why a step failed: no memory, a file that was cut short meanwhile, or else a mistake. */
    private LorikeetException reason(Throwable cause) {
        if (cause instanceof LorikeetException known) {
            return known;
        }
        if (cause instanceof CudaOutOfMemoryException) {
            return new LorikeetException(
                    ErrorCode.NO_ROOM, "the GPU has no memory for the step: " + cause.getMessage(), cause);
        }
        try {
            device.checkFiles();
        } catch (LorikeetException e) {
            e.addSuppressed(cause);
            return e;
        }
        return new LorikeetException(ErrorCode.INTERNAL, "the step failed: " + cause, cause);
    }

    private void deliver(List<StepPlan.Row> rows, List<@Nullable SampledToken> tokens) {
        long now = clock.getAsLong();
        for (int i = 0; i < tokens.size(); i++) {
            StepPlan.Row row = rows.get(i);
            SequenceGroup group = row.sequence().group();
            SampledToken token = tokens.get(i);
            if (row.sequence().hasEnded()) {
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
