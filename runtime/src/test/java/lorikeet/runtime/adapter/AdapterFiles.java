package lorikeet.runtime.adapter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.runtime.Golden;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ModelWeights;

/** A small base model and its adapters, for tests of what holds them. */
final class AdapterFiles implements AutoCloseable {
    static final Path SET = Golden.set("llama");
    static final Path ALL_R8 = SET.resolve("adapters/all-r8");
    static final Path QV_R4 = SET.resolve("adapters/qv-r4-f32");
    static final Path RS_R16 = SET.resolve("adapters/rs-r16");

    private final Checkpoint checkpoint = Checkpoint.open(SET.resolve("model"));
    private final CpuOperations operations = new CpuOperations(1);
    private final ModelWeights base = checkpoint.weights(operations);

    Checkpoint checkpoint() {
        return checkpoint;
    }

    ModelWeights base() {
        return base;
    }

    CpuOperations operations() {
        return operations;
    }

    LoadedAdapter load(Path folder) {
        return AdapterLoader.load(folder, base, operations);
    }

    /** Makes a folder of adapters with one in it, {@code good}, and one beside it, {@code outside}. */
    static Path catalog(Path parent) {
        Path folder = parent.resolve("catalog");
        copy(QV_R4, folder.resolve("good"));
        copy(QV_R4, parent.resolve("outside"));
        return folder;
    }

    /** Copies a folder of files. */
    static Path copy(Path from, Path to) {
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectories(to);
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        operations.close();
        checkpoint.close();
    }
}
