package lorikeet.runtime.engine;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts for {@link EngineStats}. Written by the engine's thread, but for the length of the queue. */
final class Counters {
    private final AtomicInteger queued = new AtomicInteger();
    private long steps;
    private long promptTokens;
    private long cachedTokens;
    private long generatedTokens;
    private long answered;
    private long failed;

    /** Counts {@code count} more waiting requests if there are no more than {@code most} then. Any thread. */
    boolean enqueue(int count, int most) {
        return queued.getAndUpdate(now -> now + count <= most ? now + count : now) + count <= most;
    }

    /** Counts requests that don't wait any more, or that never got into the queue. Any thread. */
    void dequeue(int count) {
        queued.addAndGet(-count);
    }

    /** A request was started. */
    void started(int prompt, int cached) {
        dequeue(1);
        promptTokens += prompt;
        cachedTokens += cached;
    }

    void stepDone() {
        steps++;
    }

    long steps() {
        return steps;
    }

    void tokenChosen() {
        generatedTokens++;
    }

    /** A request has ended. */
    void ended(SequenceGroup group, boolean isAnswered) {
        if (!group.isStarted()) {
            dequeue(1);
        }
        if (isAnswered) {
            answered++;
        } else {
            failed++;
        }
    }

    EngineStats stats(Scheduler scheduler, EngineMemory memory) {
        int cached = memory.cache().unused();
        return new EngineStats(
                scheduler.running().size(),
                scheduler.queue().size(),
                steps,
                promptTokens,
                cachedTokens,
                generatedTokens,
                answered,
                failed,
                scheduler.preemptions(),
                memory.blocks().capacity(),
                memory.blocks().lent() - cached,
                cached);
    }
}
