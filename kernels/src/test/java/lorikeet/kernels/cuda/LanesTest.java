package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class LanesTest {
    private static final int LANES = 4;

    @Test
    void doesEachPieceOnce() {
        try (Lanes lanes = new Lanes("test", LANES)) {
            for (int bytes : new int[] {0, 1, 9, 10, 11, 1000, 12_345}) {
                AtomicIntegerArray done = new AtomicIntegerArray(bytes);
                lanes.run(bytes, 10, (lane, at, length) -> {
                    assertThat(lane).isBetween(0, lanes.busy(bytes, 10) - 1);
                    for (long i = at; i < at + length; i++) {
                        done.incrementAndGet((int) i);
                    }
                });
                for (int i = 0; i < bytes; i++) {
                    assertThat(done.get(i)).isOne();
                }
            }
        }
    }

    @Test
    void usesAllLanesAtOnce() {
        CountDownLatch all = new CountDownLatch(LANES);
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        try (Lanes lanes = new Lanes("test", LANES)) {
            lanes.run(LANES, 1, (lane, at, length) -> {
                threads.add(Thread.currentThread());
                all.countDown();
                await(all);
            });
        }
        assertThat(threads).hasSize(LANES).contains(Thread.currentThread());
    }

    @Test
    void keepsToTheCallerWhatIsOnePiece() {
        try (Lanes lanes = new Lanes("test", LANES)) {
            Thread caller = Thread.currentThread();
            lanes.run(
                    10,
                    10,
                    (lane, at, length) -> assertThat(Thread.currentThread()).isSameAs(caller));
        }
    }

    @Test
    void throwsWhatAPieceHasThrownOnceAllLanesHaveEnded() {
        AtomicInteger running = new AtomicInteger();
        CountDownLatch others = new CountDownLatch(LANES - 1);
        InternalError lost = new InternalError("a page is gone");
        try (Lanes lanes = new Lanes("test", LANES)) {
            assertThatThrownBy(() -> lanes.run(1 << 20, 1, (lane, at, length) -> {
                        running.incrementAndGet();
                        try {
                            if (at == 0) {
                                await(others);
                                throw lost;
                            }
                            others.countDown();
                        } finally {
                            running.decrementAndGet();
                        }
                    }))
                    .isSameAs(lost);
            assertThat(running).hasValue(0);
            // They can be used again.
            AtomicInteger pieces = new AtomicInteger();
            lanes.run(7, 1, (lane, at, length) -> pieces.incrementAndGet());
            assertThat(pieces).hasValue(7);
        }
    }

    @Test
    void waitsForAllLanesThoughItIsInterrupted() {
        AtomicInteger ended = new AtomicInteger();
        CountDownLatch caller = new CountDownLatch(1);
        try (Lanes lanes = new Lanes("test", 2)) {
            lanes.run(2, 1, (lane, at, length) -> {
                if (lane == 0) {
                    Thread.currentThread().interrupt();
                    caller.countDown();
                } else {
                    await(caller);
                }
                ended.incrementAndGet();
            });
        }
        assertThat(Thread.interrupted()).isTrue();
        assertThat(ended).hasValue(2);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(1, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
