package lorikeet.runtime.adapter;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import lorikeet.runtime.LorikeetException;

/**
 * Threads that wait for adapters which aren't loaded: first come, first served, and whoever wants the same one has the
 * place of the first who did, also when that one gives up. Safe for use by several threads.
 */
final class WaitingLine {
    private final ReentrantLock lock = new ReentrantLock();

    /** By name, in the order of their places; each has somebody who waits. */
    private final SequencedMap<String, Deque<Waiter>> places = new LinkedHashMap<>();

    /** Whether somebody's turn has come, and isn't over. */
    private boolean isTaken;

    private final AtomicInteger waiting = new AtomicInteger();

    /** What a thread waits for; under the lock. */
    private enum Answer {
        NONE,
        ITS_TURN,
        SERVED,
        GIVEN_UP
    }

    /** A thread that waits; its fields are under the lock. */
    private static final class Waiter {
        private final Condition answered;
        private Answer answer = Answer.NONE;
        private Optional<AdapterLease> lease = Optional.empty();

        Waiter(Condition answered) {
            this.answered = answered;
        }

        void answer(Answer given) {
            answer = given;
            answered.signal();
        }
    }

    /** How many wait now, with the one whose turn it is. */
    int waiting() {
        return waiting.get();
    }

    /** True if nobody's turn has come. */
    boolean isEmpty() {
        lock.lock();
        try {
            return !isTaken;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for an adapter.
     *
     * @param load loads the adapter and lends it, when this thread's turn has come
     * @param again lends it once more, to others
     * @return empty if somebody else has loaded it but it could not be lent again
     * @throws LorikeetException what {@code load} does; the wait's if it is over
     */
    Optional<AdapterLease> await(
            AdapterWait wait, Supplier<AdapterLease> load, Supplier<Optional<AdapterLease>> again) {
        waiting.incrementAndGet();
        try {
            Waiter me = stand(wait);
            return me.answer == Answer.SERVED ? me.lease : Optional.of(load(wait.name(), me, load, again));
        } finally {
            waiting.decrementAndGet();
        }
    }

    /** Returns when it has been served, or when its turn has come. */
    private Waiter stand(AdapterWait wait) {
        lock.lock();
        try {
            Waiter me = new Waiter(lock.newCondition());
            places.computeIfAbsent(wait.name(), name -> new ArrayDeque<>()).add(me);
            callNext();
            awaitAnswer(me, wait);
            if (me.answer == Answer.NONE) {
                me.answer = Answer.GIVEN_UP;
                leave(wait.name(), me);
                throw wait.over();
            }
            return me;
        } finally {
            lock.unlock();
        }
    }

    private static void awaitAnswer(Waiter me, AdapterWait wait) {
        try {
            for (long left = wait.left(); me.answer == Answer.NONE && left > 0; ) {
                left = me.answered.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void callNext() {
        Map.Entry<String, Deque<Waiter>> first = places.firstEntry();
        if (!isTaken && first != null) {
            isTaken = true;
            first.getValue().getFirst().answer(Answer.ITS_TURN);
        }
    }

    private void leave(String name, Waiter me) {
        Deque<Waiter> same = places.get(name);
        if (same != null && same.remove(me) && same.isEmpty()) {
            places.remove(name);
        }
    }

    /** This thread's turn: it loads for all who wait for the same, or leaves its place to the next of them. */
    private AdapterLease load(
            String name, Waiter me, Supplier<AdapterLease> load, Supplier<Optional<AdapterLease>> again) {
        try {
            AdapterLease lease = load.get();
            others(name, me).forEach(other -> serve(other, again));
            return lease;
        } finally {
            lock.lock();
            try {
                leave(name, me);
                isTaken = false;
                callNext();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Those who waited for this name until now; who comes later has a place of its own. */
    private Deque<Waiter> others(String name, Waiter me) {
        lock.lock();
        try {
            Deque<Waiter> others = new ArrayDeque<>(places.remove(name));
            others.remove(me);
            return others;
        } finally {
            lock.unlock();
        }
    }

    private void serve(Waiter other, Supplier<Optional<AdapterLease>> again) {
        Optional<AdapterLease> lease = Optional.empty();
        try {
            lease = again.get();
        } catch (LorikeetException e) {
            // It tries by itself, and learns the same.
        }
        boolean late;
        lock.lock();
        try {
            late = other.answer == Answer.GIVEN_UP;
            if (!late) {
                other.lease = lease;
                other.answer(Answer.SERVED);
            }
        } finally {
            lock.unlock();
        }
        if (late) {
            lease.ifPresent(AdapterLease::close);
        }
    }
}
