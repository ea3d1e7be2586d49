package lorikeet.kernels.cpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that share out the tasks of one parallel loop at a time.
 *
 * <p>A step of a model is hundreds of short loops one after the other, so a run must cost little: the calling thread
 * takes part as worker 0, a waiting thread spins briefly before it parks, and nothing is allocated. Tasks are claimed
 * one by one in ascending order, so that a worker that the system holds up delays the others by one task at most.
 *
 * <p>One run at a time, from any thread; a task must not start another run. Owned by whoever made it, who closes it.
 */
public final class WorkerPool implements AutoCloseable {
    /** The body of a parallel loop. */
    @FunctionalInterface
    public interface Task {
        /**
         * Does one part of the work.
         *
         * @param index which part, from 0
         * @param worker the thread's number, below {@link WorkerPool#size}: no two parts run under one number at once,
         *     so it may select scratch memory
         */
        void run(int index, int worker);
    }

    /** Longer than the pause between two loops of a step, short against the time a thread takes to wake up. */
    private static final long SPIN_NANOS = 30_000;

    private final Worker[] workers;

    /**
     * The number of the run in the upper half, its unclaimed tasks in the lower. Claiming by compare-and-set on both
     * keeps a worker that was late for one run from taking a task of the next.
     */
    private final AtomicLong unclaimed = new AtomicLong();

    private final AtomicInteger unfinished = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final AtomicBoolean busy = new AtomicBoolean();

    /** Set while the caller is parked or about to park. */
    private volatile @Nullable Thread waiting;

    private volatile boolean closed;

    // Written before a run is published through unclaimed, read by those who have claimed one of its tasks.
    private @Nullable Task task;
    private int tasks;

    /**
     * Starts the threads.
     *
     * @param threads number of workers, the calling thread among them; at least 1
     */
    public WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(threads + " threads, at least 1 is needed");
        }
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
        }
        for (Worker worker : workers) {
            worker.thread.start();
        }
    }

    /** Number of workers, the calling thread among them. */
    public int size() {
        return workers.length + 1;
    }

    /**
     * Runs {@code task} for each index below {@code tasks} and returns when all have finished. What the caller wrote
     * before is seen by the tasks, what they wrote is seen by the caller.
     *
     * <p>When a task throws, tasks not yet begun are skipped, and the first exception or error is thrown here once all
     * workers have stopped.
     *
     * @throws IllegalStateException from within a task, from a second thread during a run, or after {@link #close}
     */
    public void run(int tasks, Task task) {
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("a run within or beside another run");
        }
        try {
            if (closed) {
                throw new IllegalStateException("the pool is closed");
            }
            if (tasks <= 1 || workers.length == 0) {
                for (int i = 0; i < tasks; i++) {
                    task.run(i, 0);
                }
            } else {
                share(tasks, task);
            }
        } finally {
            busy.set(false);
        }
    }

    private void share(int tasks, Task task) {
        this.task = task;
        this.tasks = tasks;
        unfinished.set(tasks);
        long lastRun = unclaimed.get() >>> 32;
        unclaimed.set((lastRun + 1) << 32 | tasks);
        int helpers = Math.min(workers.length, tasks - 1);
        for (int i = 0; i < helpers; i++) {
            workers[i].wake();
        }
        work(0);
        awaitFinish();
        this.task = null;
        Throwable thrown = failure.getAndSet(null);
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown != null) {
            throw (RuntimeException) thrown; // Task.run declares no checked exceptions.
        }
    }

    /** Claims and runs tasks until none is left. */
    private void work(int worker) {
        while (true) {
            long state = unclaimed.get();
            int left = (int) state;
            if (left == 0) {
                return;
            }
            if (unclaimed.compareAndSet(state, state - 1)) {
                runClaimed(tasks - left, worker);
            }
        }
    }

    @SuppressWarnings("NullAway") // A claimed task's run can't end before the task: the field is set.
    private void runClaimed(int index, int worker) {
        try {
            if (failure.get() == null) {
                task.run(index, worker);
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
        if (unfinished.decrementAndGet() == 0) {
            LockSupport.unpark(waiting);
        }
    }

    private void awaitFinish() {
        long start = System.nanoTime();
        while (unfinished.get() > 0) {
            if (System.nanoTime() - start < SPIN_NANOS) {
                Thread.onSpinWait();
            } else {
                waiting = Thread.currentThread();
                if (unfinished.get() > 0) {
                    LockSupport.park(this);
                }
                waiting = null;
            }
        }
    }

    /** Stops the threads and waits for their end. Does nothing the second time. */
    @Override
    public void close() {
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("the pool is closed during a run");
        }
        closed = true;
        boolean interrupted = false;
        for (Worker worker : workers) {
            worker.wake();
            while (worker.thread.isAlive()) {
                try {
                    worker.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        busy.set(false);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Worker implements Runnable {
        private final int number;
        private final Thread thread;
        private volatile boolean parked;

        Worker(int number) {
            this.number = number;
            thread = Thread.ofPlatform()
                    .daemon()
                    .name("lorikeet-worker-" + number)
                    .unstarted(this);
        }

        void wake() {
            if (parked) {
                LockSupport.unpark(thread);
            }
        }

        @Override
        public void run() {
            while (!closed) {
                work(number);
                awaitRun();
            }
        }

        private void awaitRun() {
            long start = System.nanoTime();
            while (idle()) {
                if (System.nanoTime() - start < SPIN_NANOS) {
                    Thread.onSpinWait();
                } else {
                    parked = true;
                    if (idle()) {
                        LockSupport.park(WorkerPool.this);
                    }
                    parked = false;
                }
            }
        }

        private boolean idle() {
            return (int) unclaimed.get() == 0 && !closed;
        }
    }
}
