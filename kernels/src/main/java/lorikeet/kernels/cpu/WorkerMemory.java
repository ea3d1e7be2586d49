package lorikeet.kernels.cpu;

/** The scratch memory of one worker: what it is working on now, nothing that lasts from task to task. */
final class WorkerMemory implements AutoCloseable {
    /** Rows of a weight as floats. */
    final Scratch weights = new Scratch();

    /** Rows of an adapter's B as floats. */
    final Scratch expands = new Scratch();

    /** The partial sums of outputs. */
    final Scratch sums = new Scratch();

    /** Outputs that go on to somewhere else. */
    final Scratch values = new Scratch();

    /** Describes {@link #values} as the place for outputs. */
    final OutputRows valueRows = new OutputRows();

    @Override
    public void close() {
        weights.close();
        expands.close();
        sums.close();
        values.close();
    }
}
