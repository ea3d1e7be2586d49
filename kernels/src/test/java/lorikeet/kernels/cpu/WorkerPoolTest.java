package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void runsEveryTaskOnceAndShowsTheCallerItsWrites(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertThat(pool.size()).isEqualTo(threads);
            int[] plain = new int[100];
            for (int run = 0; run < 3000; run++) {
                int tasks = run % 100;
                Arrays.fill(plain, 0);
                pool.run(tasks, (index, worker) -> plain[index]++);
                for (int i = 0; i < plain.length; i++) {
                    assertThat(plain[i]).as("task %s of run %s", i, run).isEqualTo(i < tasks ? 1 : 0);
                }
            }
        }
    }

    @Test
    void givesEachThreadItsOwnNumber() {
        try (WorkerPool pool = new WorkerPool(4)) {
            AtomicIntegerArray inUse = new AtomicIntegerArray(4);
            for (int run = 0; run < 200; run++) {
                pool.run(16, (index, worker) -> {
                    assertThat(inUse.incrementAndGet(worker)).isEqualTo(1);
                    LockSupport.parkNanos(1000);
                    inUse.decrementAndGet(worker);
                });
            }
        }
    }

    @Test
    void wakesThreadsThatHaveGoneToSleep() {
        try (WorkerPool pool = new WorkerPool(2)) {
            for (int run = 0; run < 20; run++) {
                LockSupport.parkNanos(1_000_000);
                AtomicBoolean other = new AtomicBoolean();
                // Each of the two tasks waits for the other, so two threads must take part.
                AtomicInteger begun = new AtomicInteger();
                pool.run(2, (index, worker) -> {
                    begun.incrementAndGet();
                    while (begun.get() < 2) {
                        Thread.onSpinWait();
                    }
                    if (worker == 1) {
                        other.set(true);
                    }
                });
                assertThat(other).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void passesOnWhatATaskThrowsAndStaysUsable(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int run = 0; run < 100; run++) {
                int bad = run % 50;
                AtomicInteger running = new AtomicInteger();
                InternalError error = new InternalError("task " + bad);
                assertThatThrownBy(() -> pool.run(50, (index, worker) -> {
                            running.incrementAndGet();
                            try {
                                if (index == bad) {
                                    throw error;
                                }
                                LockSupport.parkNanos(1);
                            } finally {
                                running.decrementAndGet();
                            }
                        }))
                        .isSameAs(error);
                assertThat(running).hasValue(0);
                assertThatThrownBy(() -> pool.run(2, (index, worker) -> {
                            throw new IllegalArgumentException("both");
                        }))
                        .isInstanceOf(IllegalArgumentException.class);
                AtomicInteger done = new AtomicInteger();
                pool.run(7, (index, worker) -> done.incrementAndGet());
                assertThat(done).hasValue(7);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void refusesARunWithinARun(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            assertThatThrownBy(() -> pool.run(4, (index, worker) -> pool.run(1, (i, w) -> {})))
                    .isInstanceOf(IllegalStateException.class);
            Runnable close = pool::close;
            assertThatThrownBy(() -> pool.run(4, (index, worker) -> close.run()))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void closeEndsTheThreads() {
        Thread[] seen = new Thread[3];
        WorkerPool pool = new WorkerPool(3);
        AtomicInteger begun = new AtomicInteger();
        pool.run(3, (index, worker) -> {
            seen[worker] = Thread.currentThread();
            begun.incrementAndGet();
            while (begun.get() < 3) {
                Thread.onSpinWait();
            }
        });
        assertThat(seen[0]).isSameAs(Thread.currentThread());
        assertThat(seen[1].isDaemon()).isTrue();
        pool.close();
        pool.close();
        assertThat(seen[1].isAlive()).isFalse();
        assertThat(seen[2].isAlive()).isFalse();
        assertThatThrownBy(() -> pool.run(1, (index, worker) -> {})).isInstanceOf(IllegalStateException.class);
    }
}
