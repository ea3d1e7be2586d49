package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import lorikeet.kernels.KvLayout;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.Rope;

/**
 * Runs requests together, step by step: they join and leave between steps. Any thread may submit, cancel and ask for
 * statistics; {@link #doWork} and all that it calls belong to the one thread that owns the device and is the only writer
 * of the engine's state. That thread reads no file, parses nothing and waits for no client.
 */
public final class Engine {
    /** How soon to look again for what requests wait for, if nobody says that it has come. */
    private static final long LOOK_AGAIN_NANOS = 1_000_000;

    /** How many commands are carried out before the next step: those who send without pause must not stop the others. */
    private static final int COMMANDS_A_STEP = 1024;

    private final EngineLimits limits;
    private final Device device;
    private final EngineMemory memory;
    private final Residency residency;
    private final LongSupplier clock;
    private final Counters counters = new Counters();
    private final CommandQueue commands = new CommandQueue();
    private final KvMemory kv;
    private final Scheduler scheduler;
    private final Admission admission;
    private final LiveRequests requests;
    private final Stepper stepper;
    private final List<Scheduler.Failure> failures = new ArrayList<>();
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
        StepsInFlight flights = new StepsInFlight();
        kv = new KvMemory(
                memory.blocks(), memory.cache(), residency, flights, limits.prefixCache(), rope.steadyLength());
        scheduler = new Scheduler(kv, residency, counters, flights);
        admission = new Admission(limits.running(), scheduler, kv, residency);
        requests = new LiveRequests(scheduler, kv, counters, clock);
        stepper = new Stepper(
                device,
                scheduler,
                new StepComposer(limits.stepTokens(), limits.stepRows(), limits.batchAdapters(), residency),
                new StepRunner(device, memory.blocks()),
                flights,
                kv,
                requests,
                counters,
                clock,
                rope);
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

    /** Does what there is to do, and launches at most one step; returns 0 if there was nothing. */
    public int doWork() {
        int work = runCommands(COMMANDS_A_STEP) + requests.expire();
        if (residency.poll()) {
            work++;
        }
        memory.cache().step(counters.steps());
        admission.admit(now(), failures);
        if (!scheduler.grow(failures)) {
            stepper.land();
            scheduler.grow(failures);
        }
        work += failures.size();
        failures.forEach(failure -> requests.fail(failure.group(), failure.reason()));
        failures.clear();
        if (stepper.step()) {
            work++;
        }
        if (work > 0) {
            stats = counters.stats(scheduler, memory);
        }
        return work;
    }

    /** How long there will be nothing to do if nobody wakes it, after {@link #doWork} returned 0. */
    long idleNanos() {
        return Math.min(scheduler.queue().size() > 0 ? LOOK_AGAIN_NANOS : Long.MAX_VALUE, requests.remaining());
    }

    private int runCommands(int most) {
        int done = 0;
        while (done < most) {
            Command command = commands.poll();
            if (command == null) {
                break;
            }
            run(command);
            done++;
        }
        return done;
    }

    private void run(Command command) {
        switch (command) {
            case Command.Submit submit -> submit.groups().forEach(group -> requests.add(group, device.sampler()));
            case Command.End(SequenceGroup group, LorikeetException reason) -> {
                if (reason == null) {
                    requests.end(group);
                } else {
                    requests.fail(group, reason);
                }
            }
            case Command.Forget forget -> kv.forget(forget.adapterId());
        }
    }

    /** Fails all requests after a mistake in the engine itself, so that it can go on with others. */
    void failAll(LorikeetException reason) {
        stepper.abandon();
        requests.failAll(reason);
        failures.clear();
        stats = counters.stats(scheduler, memory);
    }

    /** Accepts nothing more and fails what there is. The last call on the engine's thread. */
    void shutDown() {
        commands.close();
        runCommands(Integer.MAX_VALUE);
        failAll(new LorikeetException(ErrorCode.ABORTED, "the model is being closed"));
    }
}
