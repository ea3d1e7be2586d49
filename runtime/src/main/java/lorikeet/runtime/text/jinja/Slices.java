package lorikeet.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** {@code value[start:stop:step]}. */
final class Slices {
    private Slices() {}

    static Object slice(Object value, Object start, Object stop, Object step, Budget budget) {
        return switch (value) {
            case Undefined u -> throw u.failure();
            case String s -> {
                budget.spend(s.length() / 4 + 1);
                int[] points = s.codePoints().toArray();
                StringBuilder text = new StringBuilder();
                Interval taken = Interval.of(points.length, start, stop, step);
                for (int i = 0; i < taken.count(); i++) {
                    text.appendCodePoint(points[taken.at(i)]);
                }
                yield text.toString();
            }
            case Range r -> {
                Interval taken = Interval.of(r.size(), start, stop, step);
                yield r.slice(taken.from(), taken.to(), taken.stride());
            }
            case List<?> l -> items(l, start, stop, step, budget);
            case Tuple t -> Tuple.of(items(t.items(), start, stop, step, budget));
            default -> throw Failure.of("'" + Types.name(value) + "' object can't be sliced");
        };
    }

    private static List<Object> items(List<?> list, Object start, Object stop, Object step, Budget budget) {
        Interval taken = Interval.of(list.size(), start, stop, step);
        budget.spend(taken.count());
        List<Object> items = new ArrayList<>(taken.count());
        for (int i = 0; i < taken.count(); i++) {
            items.add(list.get(taken.at(i)));
        }
        return items;
    }

    /**
     * The positions that a slice takes.
     *
     * @param from the first one, if there is any
     * @param to behind the last one
     * @param stride from one to the next
     */
    private record Interval(long from, long to, long stride, int count) {
        static Interval of(int size, Object start, Object stop, Object step) {
            long stride = step == None.NONE ? 1 : Types.integer(step);
            if (stride == 0) {
                throw Failure.of("slice step cannot be zero");
            }
            boolean up = stride > 0;
            long from = bound(start, up ? 0 : size - 1, size, up);
            long to = bound(stop, up ? size : -1, size, up);
            long count = up ? ceilDivide(to - from, stride) : ceilDivide(from - to, -Math.max(stride, -size - 1L));
            return new Interval(from, to, stride, (int) Math.max(0, count));
        }

        int at(int i) {
            return (int) (from + i * stride);
        }

        private static long ceilDivide(long a, long b) {
            return a <= 0 ? 0 : (a - 1) / b + 1;
        }

        private static long bound(Object given, long otherwise, int size, boolean up) {
            if (given == None.NONE) {
                return otherwise;
            }
            long bound = Types.integer(given);
            if (bound < 0) {
                bound = Math.max(bound + size, up ? 0 : -1);
            }
            return Math.min(bound, up ? size : size - 1);
        }
    }
}
