package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;

/** The struct {@code MatVec} of matvec.cuh: a product, with up to three weights side by side. */
final class MatVec {
    static final long BYTES = 72;

    private static final int MOST_PARTS = 3;

    private MatVec() {}

    /** Writes {@code out = in Wᵀ} to the beginning of {@code to}. */
    static void write(MemorySegment to, Matrix in, List<Linear> layers, Matrix out) {
        write(to, in, layers, out.data().address(), out.cols());
    }

    /** Writes {@code in Wᵀ}, whose result is nowhere as it is. */
    static void write(MemorySegment to, Matrix in, List<Linear> layers) {
        write(to, in, layers, 0, 0);
    }

    private static void write(MemorySegment to, Matrix in, List<Linear> layers, long out, int pitch) {
        to.set(JAVA_LONG, 0, in.data().address());
        to.set(JAVA_LONG, 8, out);
        to.set(JAVA_INT, 16, in.cols());
        to.set(JAVA_INT, 20, pitch);
        to.set(JAVA_INT, 24, in.cols());
        to.set(JAVA_INT, 28, layers.size());
        for (int i = 0; i < MOST_PARTS; i++) {
            Linear layer = i < layers.size() ? layers.get(i) : null;
            to.set(
                    JAVA_LONG,
                    32 + 8L * i,
                    layer == null ? 0 : layer.weight().data().address());
            to.set(JAVA_INT, 56 + 4L * i, layer == null ? 0 : layer.out());
        }
    }

    /** Tiles of so many outputs that the layers have, none over two layers. */
    static int tiles(List<Linear> layers, int outputs) {
        int tiles = 0;
        for (int i = 0; i < layers.size(); i++) {
            tiles += Math.ceilDiv(layers.get(i).out(), outputs);
        }
        return tiles;
    }
}
