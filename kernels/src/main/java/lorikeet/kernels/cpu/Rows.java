package lorikeet.kernels.cpu;

import lorikeet.kernels.RowGroups;

/** How loops over the rows of a step are cut into tasks. */
final class Rows {
    /** Elements of a task: some microseconds of work, long against the cost of handing a task out. */
    private static final int TASK_ELEMENTS = 16_384;

    private Rows() {}

    /** Rows of one task. */
    static int perTask(int cols) {
        return Math.max(1, TASK_ELEMENTS / Math.max(1, cols));
    }

    /** Number of tasks for all rows. */
    static int tasks(int rows, int cols) {
        return Math.ceilDiv(rows, perTask(cols));
    }

    /** The group that {@code row} belongs to. */
    static int groupOf(RowGroups groups, int row) {
        int low = 0;
        int high = groups.count() - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if (groups.end(middle) <= row) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
