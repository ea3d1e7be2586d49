package lorikeet.kernels.cpu;

import java.util.Arrays;

/** The tasks of a parallel loop over changes: some rows of A each, with some inputs. Reused from product to product. */
final class ShrinkTasks {
    private int count;
    private int[] deltas = {};
    private int[] ranks = {};
    private int[] inputs = {};

    void clear() {
        count = 0;
    }

    /** Adds the task of change {@code delta}, from row {@code rank} of its A and input {@code input} on. */
    void add(int delta, int rank, int input) {
        if (count == deltas.length) {
            int size = Math.max(64, 2 * count);
            deltas = Arrays.copyOf(deltas, size);
            ranks = Arrays.copyOf(ranks, size);
            inputs = Arrays.copyOf(inputs, size);
        }
        deltas[count] = delta;
        ranks[count] = rank;
        inputs[count] = input;
        count++;
    }

    int count() {
        return count;
    }

    int delta(int task) {
        return deltas[task];
    }

    int rank(int task) {
        return ranks[task];
    }

    int input(int task) {
        return inputs[task];
    }
}
