package lorikeet.jmh.device;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Objects;
import java.util.stream.Stream;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cuda.CudaOperations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.LoadedAdapter;
import lorikeet.runtime.model.ModelWeights;

/** An adapter in a file of its own, in the page cache, that is READY: mapped, checked and registered. */
final class ReadyAdapter implements AutoCloseable {
    private static final float BFLOAT16_ERROR = 1f / 256;

    private final Path parent;
    private final Path folder;
    private final LoadedAdapter loaded;

    /**
     * Writes and loads it.
     *
     * @param base the model that it is for, whose layers have these shapes
     * @param slabBytes the size of the device's slabs
     */
    ReadyAdapter(ModelShape shape, int rank, ElementType type, ModelWeights base, Operations operations, long slabBytes)
            throws IOException {
        parent = Files.createTempDirectory("lorikeet-bench");
        folder = shape.checkpoint().writeAdapter(parent, rank, type, 0);
        loaded = AdapterLoader.loadRegistered(folder, base, operations).prepare(operations, slabBytes);
        if (loaded.bytes() != shape.adapterWeights(rank) * type.bytes()
                || loaded.modules().size() != 7 * shape.layers()) {
            throw new IllegalStateException(loaded.modules().size() + " modules in " + loaded.bytes() + " bytes");
        }
    }

    Path folder() {
        return folder;
    }

    LoadedAdapter loaded() {
        return loaded;
    }

    /** Compares the last rows of all tensors of a copy in slabs with the file's, up to what bf16 loses. */
    void checkCopy(AdapterWeights copy, Operations operations) {
        AdapterWeights source = loaded.weights();
        for (int slot = 0; slot < source.slots(); slot++) {
            if (source.at(slot) instanceof Delta.LowRank from) {
                Delta.LowRank to = (Delta.LowRank) Objects.requireNonNull(copy.at(slot));
                check(stored(from.a()), placed(to.a(), operations));
                check(stored(from.b()), placed(to.b(), operations));
            }
        }
    }

    private static float[] stored(Matrix matrix) {
        return Floats.toArray(matrix.rows(matrix.rows() - 1, matrix.rows()));
    }

    private static float[] placed(Matrix matrix, Operations operations) {
        if (!(operations instanceof CudaOperations)) {
            return stored(matrix);
        }
        float[] row = new float[matrix.cols()];
        operations.read(matrix, matrix.rows() - 1, row);
        return row;
    }

    private static void check(float[] from, float[] to) {
        for (int i = 0; i < from.length; i++) {
            if (!(Math.abs(from[i] - to[i]) <= BFLOAT16_ERROR * Math.abs(from[i]))) {
                throw new IllegalStateException(from[i] + " was copied as " + to[i]);
            }
        }
    }

    @Override
    public void close() {
        loaded.close();
        try (Stream<Path> files = Files.walk(parent)) {
            files.sorted(Comparator.reverseOrder()).forEach(ReadyAdapter::delete);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
