package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.SampledToken;
import lorikeet.memory.Matrix;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.Rope;
import org.jspecify.annotations.Nullable;

/**
 * Runs requests together, step by step: they join and leave between steps. Any thread may submit, cancel and ask for
 * statistics; {@link #doWork} and all that it calls belong to the one thread that owns the device and is the only writer
 * of the engine's state. That thread reads no file, parses nothing and waits for no client.
 */
public final class Engine {
    private final EngineLimits limits;
    private final Device device;
    private final EngineMemory memory;
    private final Residency residency;
    private final LongSupplier clock;
    private final KvMemory sequencesMemory;
    private final Scheduler scheduler;
    private final StepComposer composer;
    private final StepRunner runner;
    private final StepPlan plan;
    private final CommandQueue commands = new CommandQueue();
    private final Deadlines deadlines = new Deadlines();
    private final Counters counters = new Counters();
    private final Set<SequenceGroup> live = new LinkedHashSet<>();
    private final List<Scheduler.Failure> failures = new ArrayList<>();
    private long nextSerial;
    private volatile EngineStats stats;
    private volatile Runnable waker = () -> {};

    /**
     * An engine without requests. It owns nothing of what it is given.
     *
     * @param clock gives the time in nanoseconds, from any origin
     */
    public Engine(
            EngineLimits limits,
            Device device,
            Rope rope,
            EngineMemory memory,
            Residency residency,
            LongSupplier clock) {
        this.limits = limits;
        this.device = device;
        this.memory = memory;
        this.residency = residency;
        this.clock = clock;
        KvBlocks blocks = memory.blocks();
        sequencesMemory = new KvMemory(blocks, memory.cache(), residency, limits.prefixCache(), rope.steadyLength());
        scheduler = new Scheduler(limits, blocks, sequencesMemory, residency, counters);
        composer = new StepComposer(limits.stepTokens(), limits.stepRows(), limits.batchAdapters(), residency);
        runner = new StepRunner(device, blocks);
        plan = new StepPlan(rope);
        stats = counters.stats(scheduler, memory);
    }

    /** The time by its clock. Any thread. */
    public long now() {
        return clock.getAsLong();
    }

    /**
     * Adds requests, which start together if possible. Any thread.
     *
     * @param bounded whether they may be refused because too many wait already
     * @throws LorikeetException NO_ROOM if the queue is full or one of them would not fit into the cache even alone,
     *     ABORTED if the engine is closed; none of them is added then
     */
    public void submit(List<SequenceGroup> groups, boolean bounded) {
        for (SequenceGroup group : groups) {
            int needed = KvLayout.blocksFor(group.maxCached());
            if (needed > memory.blocks().capacity()) {
                throw new LorikeetException(
                        ErrorCode.NO_ROOM,
                        "a text of up to " + group.maxCached() + " tokens takes " + needed
                                + " KV blocks, the cache has " + memory.blocks().capacity());
            }
        }
        if (!counters.enqueue(groups.size(), bounded ? limits.queueLength() : Integer.MAX_VALUE)) {
            throw new LorikeetException(
                    ErrorCode.NO_ROOM, "the queue is full: " + limits.queueLength() + " requests wait");
        }
        if (!commands.offer(new Command.Submit(List.copyOf(groups)))) {
            counters.dequeue(groups.size());
            throw new LorikeetException(ErrorCode.ABORTED, "the model is closed");
        }
        wakeUp();
    }

    /** Ends a request after the running step; its listener hears the end. Any thread. */
    public void cancel(SequenceGroup group) {
        commands.offer(new Command.End(group, null));
        wakeUp();
    }

    /** Fails a request after the running step. Any thread. */
    public void abort(SequenceGroup group, LorikeetException reason) {
        commands.offer(new Command.End(group, reason));
        wakeUp();
    }

    /** Gives up what the prefix cache has of an adapter that is not used any more. Any thread. */
    public void forget(long adapterId) {
        commands.offer(new Command.Forget(adapterId));
        wakeUp();
    }

    /** Says that there may be something to do, such as a copy that has finished. Any thread. */
    public void wakeUp() {
        waker.run();
    }

    /** How the thread that calls {@link #doWork} is woken. */
    void waker(Runnable value) {
        waker = value;
    }

    /** What it was doing after the last step. Any thread. */
    public EngineStats stats() {
        return stats;
    }

    /** Does what there is to do, at most one step; returns 0 if there was nothing. */
    public int doWork() {
        int work = runCommands() + expire();
        if (residency.poll()) {
            work++;
        }
        memory.cache().step(counters.steps());
        scheduler.admit(now(), failures);
        work += settleFailures();
        if (!scheduler.running().isEmpty()) {
            step();
            work++;
        }
        if (work > 0) {
            stats = counters.stats(scheduler, memory);
        }
        return work;
    }

    /** How long there will be nothing to do if nobody wakes it, after {@link #doWork} returned 0. */
    long idleNanos() {
        long copies = scheduler.waiting() > 0 ? 1_000_000 : Long.MAX_VALUE;
        return Math.min(copies, deadlines.remaining(now()));
    }

    private int runCommands() {
        int done = 0;
        for (Command command = commands.poll(); command != null; command = commands.poll()) {
            switch (command) {
                case Command.Submit submit -> submit.groups().forEach(this::add);
                case Command.End(SequenceGroup group, LorikeetException reason) -> {
                    if (reason == null) {
                        end(group);
                    } else {
                        fail(group, reason);
                    }
                }
                case Command.Forget forget -> memory.cache().forget(forget.adapterId());
            }
            done++;
        }
        return done;
    }

    private void add(SequenceGroup group) {
        group.serial(nextSerial++);
        live.add(group);
        deadlines.add(group);
        scheduler.add(group);
    }

    private int expire() {
        int expired = 0;
        long now = now();
        for (Deadlines.Deadline late = deadlines.passed(now); late != null; late = deadlines.passed(now)) {
            String what = late.untilStart() ? "was not started" : "was not done";
            fail(
                    late.group(),
                    new LorikeetException(ErrorCode.TIMED_OUT, "the request " + what + " within its time limit"));
            expired++;
        }
        return expired;
    }

    private int settleFailures() {
        int settled = failures.size();
        for (Scheduler.Failure failure : List.copyOf(failures)) {
            fail(failure.group(), failure.reason());
        }
        failures.clear();
        return settled;
    }

    private void step() {
        scheduler.grow(failures);
        settleFailures();
        composer.compose(scheduler.running(), counters.steps(), plan);
        if (plan.isEmpty() || failMissingAdapters()) {
            return;
        }
        Matrix logits;
        @Nullable SampledToken[] tokens;
        try {
            device.checkFiles();
            logits = runner.launch(plan);
        } catch (RuntimeException | Error e) {
            if (!failMissingAdapters()) {
                failStep(e);
            }
            return;
        }
        try {
            tokens = runner.finish(plan, logits);
            device.checkFiles();
        } catch (RuntimeException | Error e) {
            failStep(e);
            return;
        }
        failMissingAdapters();
        counters.stepDone();
        for (StepPlan.Share share : plan.shares()) {
            if (share.sequence().isRunning()) {
                share.sequence().advance(share.tokens());
            }
        }
        deliver(tokens);
    }

    /** Fails the requests in the step whose adapter can't be used any more; true if there were some. */
    private boolean failMissingAdapters() {
        boolean failed = false;
        for (StepPlan.Share share : plan.shares()) {
            SequenceGroup group = share.sequence().group();
            if (!group.hasEnded()
                    && group.lease() != null
                    && residency.ask(group.lease()) == Residency.Presence.FAILED) {
                fail(group, residency.failure(group.lease()));
                failed = true;
            }
        }
        return failed;
    }

    private void failStep(Throwable cause) {
        LorikeetException reason = reason(cause);
        for (StepPlan.Share share : plan.shares()) {
            fail(share.sequence().group(), reason);
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
        long now = now();
        for (int i = 0; i < tokens.length; i++) {
            StepPlan.Row row = plan.rows().get(i);
            SequenceGroup group = row.sequence().group();
            SampledToken token = tokens[i];
            if (group.hasEnded()) {
                continue;
            }
            if (token == null) {
                fail(
                        group,
                        new LorikeetException(
                                ErrorCode.INVALID_FILE,
                                "the logits are not numbers that a token can be chosen from: the weights of the model or"
                                        + " of the adapter are broken"));
            } else if (row.isScore()) {
                group.addScore(token);
            } else {
                deliver(row.sequence(), token, now);
            }
        }
    }

    private void deliver(Sequence sequence, SampledToken token, long now) {
        SequenceGroup group = sequence.group();
        sequence.append(token.id());
        group.tokenChosen(now);
        counters.tokenChosen();
        if (sequence.generated() == 1) {
            sequencesMemory.publish(sequence);
        }
        boolean goesOn;
        try {
            goesOn = group.listener().onToken(sequence.choice(), token);
        } catch (RuntimeException | Error e) {
            fail(group, new LorikeetException(ErrorCode.INTERNAL, "the listener failed: " + e, e));
            return;
        }
        if (!goesOn || sequence.reachedMaxTokens()) {
            scheduler.remove(sequence, true);
            sequence.end();
            if (group.endOne()) {
                finish(group, null);
            }
        }
    }

    /** Ends a request as it is. */
    private void end(SequenceGroup group) {
        if (!group.hasEnded()) {
            stop(group, true);
            finish(group, null);
        }
    }

    private void fail(SequenceGroup group, LorikeetException reason) {
        if (!group.hasEnded()) {
            stop(group, false);
            finish(group, reason);
        }
    }

    private void stop(SequenceGroup group, boolean sound) {
        for (Sequence sequence : group.sequences()) {
            if (!sequence.hasEnded()) {
                scheduler.remove(sequence, sound);
                sequence.end();
            }
        }
    }

    private void finish(SequenceGroup group, @Nullable LorikeetException failure) {
        sequencesMemory.forget(group);
        live.remove(group);
        counters.ended(group, failure == null);
        group.end(now());
        if (failure == null) {
            group.listener().onEnd();
        } else {
            group.listener().onFailure(failure);
        }
    }

    /** Fails all requests after a mistake in the engine itself, so that it can go on with others. */
    void failAll(LorikeetException reason) {
        for (SequenceGroup group : List.copyOf(live)) {
            fail(group, reason);
        }
        failures.clear();
        stats = counters.stats(scheduler, memory);
    }

    /** Accepts nothing more and fails what there is. The last call on the engine's thread. */
    void shutDown() {
        commands.close();
        runCommands();
        failAll(new LorikeetException(ErrorCode.ABORTED, "the model is being closed"));
    }
}
