package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lorikeet.bindings.CublasLt;
import lorikeet.bindings.CublasProduct;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.Linear;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * The base model's products {@code x Wᵀ}, without bias: of the rows of most decode steps, and of a few on devices with
 * little shared memory, by kernels that do nothing but read the weights, of more by cuBLASLt, where an algorithm is looked
 * for once for each size.
 */
final class Products implements StepProducts {
    /** The most rows of a product by the kernels for few rows. */
    static final int MATVEC_ROWS = 8;

    private static final int MATVEC_OUT = 16;
    private static final int MATVEC_THREADS = 128;

    private final Kernels kernels;
    private final DecodeProducts decodeProducts;
    private final CublasLt library;
    private final CudaStream stream;
    private final Map<Size, CublasProduct> products = new HashMap<>();

    private record Size(int rows, int n, int k, boolean floatOutput) {}

    Products(Kernels kernels, DecodeProducts decodeProducts, CublasLt library, CudaStream stream) {
        this.kernels = kernels;
        this.decodeProducts = decodeProducts;
        this.library = library;
        this.stream = stream;
    }

    /** Rows to compute for a step that isn't recorded: few different numbers, so that few algorithms are looked for. */
    static int roundedRows(int rows) {
        int step = rows <= 16 ? 1 : rows <= 256 ? 16 : 64;
        return (rows + step - 1) / step * step;
    }

    /** Rows that an activation must have room for if {@code rows} of them are used. */
    static int paddedRows(int rows) {
        return (rows + 63) / 64 * 64;
    }

    private static boolean isFew(int rows, Matrix in) {
        return rows <= MATVEC_ROWS && in.cols() % 8 == 0;
    }

    @Override
    public @Nullable KernelLaunch shrinking(CurrentStep step, Matrix in) {
        if (decodeProducts.takeShrink(step.tokens(), in.cols())) {
            return decodeProducts.shrinking(step.tokens());
        }
        return isFew(step.tokens(), in) ? kernels.matvecShrink : null;
    }

    @Override
    public void tokensAndShrink(CurrentStep step, Matrix in, List<Linear> layers, Matrix out, int shrinkBlocks) {
        if (decodeProducts.takeShrink(step.tokens(), in.cols())) {
            decodeProducts.runAndShrink(step, step.tokens(), in, layers, out);
        } else {
            few(kernels.matvecShrink.set(3, shrinkBlocks), step, in, layers, out, shrinkBlocks);
        }
    }

    @Override
    public void tokens(CurrentStep step, Matrix in, List<Linear> layers, Matrix out) {
        if (decodeProducts.take(step.tokens(), in.cols())) {
            decodeProducts.run(step, step.tokens(), false, in, layers, out);
        } else if (isFew(step.tokens(), in)) {
            few(kernels.matvecTokens, step, in, layers, out, 0);
        } else {
            run(step.tokenRows(), in, layers, out);
        }
    }

    @Override
    public void outputs(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        if (decodeProducts.take(step.outputs(), in.cols())) {
            decodeProducts.run(step, step.outputs(), true, in, List.of(layer), out);
        } else if (isFew(step.outputs(), in)) {
            few(kernels.matvecOutputs, step, in, List.of(layer), out, 0);
        } else {
            run(step.outputRows(), in, List.of(layer), out);
        }
    }

    private void few(
            KernelLaunch kernel, CurrentStep step, Matrix in, List<Linear> layers, Matrix out, int moreBlocks) {
        MatVec.write(kernel.argument(1), in, layers, out);
        kernel.grid(moreBlocks + MatVec.tiles(layers, MATVEC_OUT), 1, 1)
                .block(MATVEC_THREADS, 1, 1, 0)
                .set(0, step.address())
                .launch(stream.handle());
    }

    /**
     * Puts a product into the stream.
     *
     * @param in {@code [>= rows, k]}, BF16
     * @param layers their weights {@code [n, k]} lie side by side in memory
     * @param out BF16 or F32, one column for each output of the layers
     */
    private void run(int rows, Matrix in, List<Linear> layers, Matrix out) {
        Matrix first = layers.getFirst().weight();
        long next = first.data().address();
        for (Linear layer : layers) {
            if (layer.weight().data().address() != next) {
                throw new IllegalArgumentException("layers that are computed together must be placed together");
            }
            next += layer.weight().data().byteSize();
        }
        run(rows, in.data(), first.data(), out.cols(), in.cols(), out.data(), out.type() == ElementType.F32);
    }

    private void run(
            int rows, MemorySegment in, MemorySegment weight, int n, int k, MemorySegment out, boolean floatOutput) {
        products.computeIfAbsent(new Size(rows, n, k, floatOutput), this::find).run(stream, in, weight, out);
    }

    private CublasProduct find(Size size) {
        return library.products(size.rows(), size.n(), size.k(), size.floatOutput(), 1)
                .getFirst();
    }
}
