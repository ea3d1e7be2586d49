package lorikeet.kernels.cpu;

/** The scratch memory of one worker: what it is working on now, nothing that lasts from task to task. */
final class WorkerMemory implements AutoCloseable {
    /** Rows of a weight as floats. */
    final Scratch weights = new Scratch();

    /** Rows of an adapter's B as floats. */
    final Scratch expands = new Scratch();

    /** One row of a product's input. */
    final InputTiles splitRow = new InputTiles(true);

    /** One row of a product's input, for weights of F32. */
    final InputTiles plainRow = new InputTiles(false);

    /** Outputs that go on to somewhere else. */
    final Scratch values = new Scratch();

    /** Describes {@link #values} as the place for outputs. */
    final OutputRows valueRows = new OutputRows();

    /** Brings what is needed soon into the caches. */
    final ReadAhead ahead = new ReadAhead();

    private float[] sums = {};

    /**
     * Room for the partial sums of outputs, at least {@code size} elements of any value. An array: after a store to a
     * segment, C2 checks anew whether every segment is still open.
     */
    float[] sums(int size) {
        if (sums.length < size) {
            sums = new float[size];
        }
        return sums;
    }

    @Override
    public void close() {
        weights.close();
        expands.close();
        values.close();
        splitRow.close();
        plainRow.close();
    }
}
