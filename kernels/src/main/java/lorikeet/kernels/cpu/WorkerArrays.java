package lorikeet.kernels.cpu;

/** An array for each worker that grows to the largest size asked for. */
final class WorkerArrays {
    /** Keeps what two workers write on different cache lines. */
    private static final int PADDING = 32;

    private final float[][] arrays;

    /** Makes empty arrays for that many workers. */
    WorkerArrays(int workers) {
        arrays = new float[workers][0];
    }

    /** The array of {@code worker}, with at least {@code size} elements of any value; used by that worker only. */
    float[] of(int worker, int size) {
        float[] array = arrays[worker];
        if (array.length < size) {
            array = new float[size + PADDING];
            arrays[worker] = array;
        }
        return array;
    }
}
