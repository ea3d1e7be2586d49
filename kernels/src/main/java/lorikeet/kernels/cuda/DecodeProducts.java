package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;

/**
 * The base model's products of a decode step's rows, see decode_product.cu. Owns the memory in which the blocks of a
 * launch leave sums to one another: launches must all be in one stream, recorded or not.
 */
final class DecodeProducts implements AutoCloseable {
    /** The size of the struct {@code DecodeProduct} of decode_product.cuh. */
    static final long BYTES = MatVec.BYTES + 16;

    /** There is a kernel for each multiple of so many rows. */
    static final int ROW_STEP = 16;

    /** The rows of the largest kernels. */
    static final int MOST_ROWS = 64;

    static final int OUT = 64;

    static final int CHUNK = 256;
    private static final int STAGES = 3;

    /** The same where a block has much else in shared memory, see adapted_memory.cuh. */
    static final int SMALL_CHUNK = 128;

    private static final int SMALL_STAGES = 4;

    /** With adapters: up to so many rows chunks are large, if a block may have as many bytes. */
    private static final int LARGE_CHUNK_ROWS = 32;

    private static final int LARGE_CHUNK_BYTES = 196 << 10;

    static final int THREADS = 256;

    /** Threads and shared memory that a block has more for the adapters' shrink. */
    static final int SHRINK_THREADS = 256;

    private static final int SHRINK_BYTES = 2 * 16 * SHRINK_THREADS;

    /** The same for how heads turn, the shared memory that of a row. */
    static final int TURN_THREADS = 128;

    private static final int TURN_ROW_BYTES = 24 + 4 * OUT;
    private static final int TURN_BARRIER_BYTES = 16;

    /** With adapters: of the weight of a row's head norm. */
    private static final int NORM_BYTES = 8;

    /** Of a half of a tile: what a block knows of a row's adapter. */
    private static final int ADAPTER_BYTES = 16 + 3;

    /** What a block knows of the tiles at hand, and its barriers. */
    private static final int TILES_BYTES = 112;

    /** What every byte of a place is where no sum has been left. */
    static final byte NO_SUM = -1;

    private final Kernels kernels;
    private final CudaStream stream;
    private final int blocks;
    private final int sharedBytes;
    private final DeviceMemory sums;

    DecodeProducts(CudaContext context, Kernels kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
        CudaDevice device = context.device();
        blocks = device.multiprocessors();
        sharedBytes = device.sharedBytes();
        sums = context.allocate((long) blocks * MOST_ROWS * OUT * Float.BYTES);
        stream.fill(sums.address(), NO_SUM, sums.bytes());
    }

    /** Dynamic shared memory of a block of the kernel for so many rows. */
    static int sharedBytes(int rows) {
        return sharedBytes(rows, STAGES, CHUNK);
    }

    /** The same with the adapters' shrink. */
    static int shrinkSharedBytes(int rows) {
        return sharedBytes(rows) + SHRINK_BYTES;
    }

    /** The same where q, k and v are turned and stored. */
    static int rotateSharedBytes(int rows) {
        return sharedBytes(rows) + TURN_BARRIER_BYTES + rows * TURN_ROW_BYTES;
    }

    /**
     * The same of the kernel that finishes a projection with adapters, whichever it is.
     *
     * @param deviceBytes the most shared memory of a block
     */
    static int adaptedBytes(int rows, int deviceBytes) {
        // As adapted_memory.cuh has them: what leaves the first-level cache as large as can be.
        boolean large = rows <= (deviceBytes > LARGE_CHUNK_BYTES ? LARGE_CHUNK_ROWS : ROW_STEP);
        int product = large ? sharedBytes(rows) : sharedBytes(rows, SMALL_STAGES, SMALL_CHUNK);
        int tiles = rows <= 48 ? 2 : 1; // whose part of the adapters may be there
        int shrunk = rows <= 48 ? 16384 : 8192;
        int delta = Math.max(tiles * Float.BYTES * rows * OUT, SHRINK_BYTES) + 2 * rows * ADAPTER_BYTES + TILES_BYTES;
        return product + delta + shrunk + rows * (TURN_ROW_BYTES + NORM_BYTES);
    }

    private static int sharedBytes(int rows, int stages, int chunk) {
        return 2 * stages * (OUT + rows) * chunk + 4 * rows * (OUT + 5);
    }

    /** Whether there is a kernel for products of up to so many rows of inputs of that length on this device. */
    boolean take(int rows, int in) {
        return take(rows, in, sharedBytes);
    }

    /**
     * The same for any device.
     *
     * @param deviceBytes the most shared memory of a block
     */
    static boolean take(int rows, int in, int deviceBytes) {
        return rows <= MOST_ROWS && in % 8 == 0 && sharedBytes(kernelRows(rows)) <= deviceBytes;
    }

    private static int kernelRows(int rows) {
        return Math.ceilDiv(rows, ROW_STEP) * ROW_STEP;
    }

    /** The most blocks of a launch: all are on the device at the same time. */
    int mostBlocks() {
        return blocks;
    }

    /** The kernel for so many rows. */
    static KernelLaunch forRows(KernelLaunch[] byRows, int rows) {
        return byRows[Math.ceilDiv(rows, ROW_STEP) - 1];
    }

    /** Whether it takes a product with the adapters' shrink in its launch. */
    boolean takeShrink(int rows, int in) {
        return take(rows, in) && shrinkSharedBytes(kernelRows(rows)) <= sharedBytes;
    }

    /** Whether the products that it takes can finish their projection in their launch, with a step's adapters. */
    boolean takeFinish(CurrentStep step) {
        return finishBytes(step) <= sharedBytes;
    }

    /** Whether they can turn and store q, k and v. */
    boolean takeRotation(CurrentStep step) {
        return rotateBytes(step) <= sharedBytes;
    }

    private int finishBytes(CurrentStep step) {
        int rows = kernelRows(step.tokens());
        return step.adapted() ? adaptedBytes(rows, sharedBytes) : sharedBytes(rows);
    }

    private int rotateBytes(CurrentStep step) {
        int rows = kernelRows(step.tokens());
        return step.adapted() ? adaptedBytes(rows, sharedBytes) : rotateSharedBytes(rows);
    }

    /**
     * Puts a product into the stream.
     *
     * @param rows at least as many as there are, see {@link #take}
     * @param outputs whether it is of the wanted rows, into F32, instead of the step's tokens, into BF16
     */
    void run(CurrentStep step, int rows, boolean outputs, Matrix in, List<Linear> layers, Matrix out) {
        KernelLaunch kernel = forRows(kernels.decodeProduct, rows);
        prepare(kernel, step, outputs, in, layers, out)
                .block(THREADS, 1, 1, sharedBytes(kernelRows(rows)))
                .launch(stream.handle());
    }

    /** The kernel of a product of the step's tokens that shrinks, too; its argument 2 is the struct {@code Lora}. */
    KernelLaunch shrinking(int rows) {
        return forRows(kernels.decodeProductShrink, rows);
    }

    /** A product of the step's tokens by {@link #shrinking}, whose struct {@code Lora} has been written. */
    void runAndShrink(CurrentStep step, int rows, Matrix in, List<Linear> layers, Matrix out) {
        prepare(shrinking(rows), step, false, in, layers, out)
                .block(THREADS + SHRINK_THREADS, 1, 1, shrinkSharedBytes(kernelRows(rows)))
                .launch(stream.handle());
    }

    /**
     * Makes a launch of a product of the step's tokens whose kernel finishes the projection; the caller sets what else that
     * takes.
     *
     * @param kernel one of those for so many rows, see {@link #forRows}
     * @param tiles that the kernel cuts the outputs into
     */
    KernelLaunch prepareToFinish(KernelLaunch kernel, CurrentStep step, Matrix in, List<Linear> layers, int tiles) {
        return prepareToFinish(kernel, step, in, layers, tiles, 0, finishBytes(step));
    }

    /** The same of a product of q, k and v that turns and stores them. */
    KernelLaunch prepareToRotate(KernelLaunch kernel, CurrentStep step, Matrix in, List<Linear> layers, int tiles) {
        return prepareToFinish(kernel, step, in, layers, tiles, TURN_THREADS, rotateBytes(step));
    }

    /** behind: threads behind the product's in a step without adapters, whose own do that work, too. */
    private KernelLaunch prepareToFinish(
            KernelLaunch kernel, CurrentStep step, Matrix in, List<Linear> layers, int tiles, int behind, int bytes) {
        MatVec.write(kernel.argument(1), in, layers);
        int threads = THREADS + (step.adapted() ? SHRINK_THREADS : behind);
        return prepare(kernel, step, false, blocks(in, tiles)).block(threads, 1, 1, bytes);
    }

    /** The blocks of a launch: what the order of its sums depends on, beside the inputs and outputs. */
    int blocks(Matrix in, List<Linear> layers) {
        return blocks(in, MatVec.tiles(layers, OUT));
    }

    private int blocks(Matrix in, int tiles) {
        return Math.min(blocks, tiles * Math.ceilDiv(in.cols(), CHUNK));
    }

    private KernelLaunch prepare(
            KernelLaunch kernel, CurrentStep step, boolean outputs, Matrix in, List<Linear> layers, Matrix out) {
        MatVec.write(kernel.argument(1), in, layers, out);
        return prepare(kernel, step, outputs, blocks(in, layers));
    }

    private KernelLaunch prepare(KernelLaunch kernel, CurrentStep step, boolean outputs, int grid) {
        MemorySegment call = kernel.argument(1);
        call.set(JAVA_LONG, MatVec.BYTES, sums.address());
        call.set(JAVA_INT, MatVec.BYTES + 8, outputs ? 1 : 0);
        return kernel.grid(grid, 1, 1).set(0, step.address());
    }

    @Override
    public void close() {
        sums.close();
    }
}
