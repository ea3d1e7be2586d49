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
                for (int index : indexes(points.length, start, stop, step)) {
                    text.appendCodePoint(points[index]);
                }
                yield text.toString();
            }
            case List<?> l -> items(l, start, stop, step, budget);
            case Tuple t -> Tuple.of(items(t.items(), start, stop, step, budget));
            // Jinja's environment turns a refused subscript into something undefined.
            default -> new Undefined("'" + Types.name(value) + "' object can't be sliced");
        };
    }

    private static List<Object> items(List<?> list, Object start, Object stop, Object step, Budget budget) {
        List<Object> items = new ArrayList<>();
        for (int index : indexes(list.size(), start, stop, step)) {
            budget.spend(1);
            items.add(list.get(index));
        }
        return items;
    }

    /** The positions that a slice takes from so many items, in order. */
    private static int[] indexes(int size, Object start, Object stop, Object step) {
        long stride = step == None.NONE ? 1 : Types.integer(step);
        if (stride == 0) {
            throw Failure.of("slice step cannot be zero");
        }
        boolean up = stride > 0;
        long from = bound(start, up ? 0 : size - 1, size, up);
        long to = bound(stop, up ? size : -1, size, up);
        long count = up ? ceilDivide(to - from, stride) : ceilDivide(from - to, -Math.max(stride, -size - 1L));
        int[] indexes = new int[(int) Math.max(0, count)];
        for (int i = 0; i < indexes.length; i++) {
            indexes[i] = (int) (from + i * stride);
        }
        return indexes;
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
