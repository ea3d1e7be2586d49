package lorikeet.runtime.text.jinja;

import java.util.AbstractList;

/** Python's range: a list whose items are computed. */
final class Range extends AbstractList<Object> {
    /** The sandbox's limit. */
    private static final long MAX_SIZE = 100_000;

    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    Range(long start, long stop, long step) {
        if (step == 0) {
            throw Failure.of("the step of a range must not be zero");
        }
        long span = step > 0 ? Math.subtractExact(stop, start) : Math.subtractExact(start, stop);
        long count = span <= 0 ? 0 : (span - 1) / Math.abs(step) + 1;
        if (count > MAX_SIZE) {
            throw Failure.limit("a range of " + count + " items; the limit is " + MAX_SIZE);
        }
        this.start = start;
        this.stop = stop;
        this.step = step;
        this.size = (int) count;
    }

    /** The range of every {@code stride}-th item from one position to before another. */
    Range slice(long from, long to, long stride) {
        return new Range(start + step * from, start + step * to, Math.multiplyExact(step, stride));
    }

    @Override
    public Object get(int index) {
        return start + step * index;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String toString() {
        return "range(" + start + ", " + stop + (step == 1 ? "" : ", " + step) + ")";
    }
}
