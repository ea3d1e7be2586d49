package lorikeet.jmh.device;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import lorikeet.kernels.Operations;
import lorikeet.memory.ElementType;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.LoadedAdapter;
import lorikeet.runtime.model.ModelWeights;

/** An adapter in a file of its own, in the page cache, that is READY: mapped, checked and registered. */
final class ReadyAdapter implements AutoCloseable {
    private final Path parent;
    private final Path folder;
    private final LoadedAdapter loaded;

    /**
     * Writes and loads it.
     *
     * @param base the model that it is for, whose layers have these shapes
     */
    ReadyAdapter(ModelShape shape, int rank, ElementType type, ModelWeights base, Operations operations)
            throws IOException {
        parent = Files.createTempDirectory("lorikeet-bench");
        folder = shape.checkpoint().writeAdapter(parent, rank, type, 0);
        loaded = AdapterLoader.loadRegistered(folder, base, operations);
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
