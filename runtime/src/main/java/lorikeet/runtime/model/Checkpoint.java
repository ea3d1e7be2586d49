package lorikeet.runtime.model;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Registration;
import lorikeet.memory.InvalidFileException;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;

/**
 * A checkpoint folder, opened: configuration, and weights mapped into memory. Owns the mapping of all its files; close it
 * when no forward pass uses the weights any more. Immutable, so that several threads may read it.
 */
public final class Checkpoint implements AutoCloseable {
    private final Path folder;
    private final Arena arena;
    private final ModelConfig config;
    private final GenerationConfig generation;
    private final SafetensorsFolder files;

    private Checkpoint(
            Path folder, Arena arena, ModelConfig config, GenerationConfig generation, SafetensorsFolder files) {
        this.folder = folder;
        this.arena = arena;
        this.config = config;
        this.generation = generation;
        this.files = files;
    }

    /**
     * Opens a folder: reads the configuration, maps the weights and reads the headers of their files.
     *
     * @throws LorikeetException NOT_FOUND, INVALID_FILE, or INCOMPATIBLE for what is not supported
     */
    @SuppressWarnings("MustBeClosedChecker") // The arena is closed on failure, else by the checkpoint.
    public static Checkpoint open(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new LorikeetException(
                    ErrorCode.NOT_FOUND, folder + (Files.exists(folder) ? ": not a folder" : ": no such folder"));
        }
        JsonObject json = JsonFile.read(folder.resolve("config.json"));
        ModelConfig config = ModelConfigReader.read(json);
        GenerationConfig generation = GenerationConfig.read(folder, json);
        // Shared, because the kernels' threads read the weights; one for all files, because closing one is dear.
        Arena arena = Arena.ofShared();
        try {
            SafetensorsFolder files = SafetensorsFolder.open(folder, "model", arena);
            return new Checkpoint(folder, arena, config, generation, files);
        } catch (InvalidFileException e) {
            arena.close();
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Hands the weights to a device.
     *
     * @throws LorikeetException INVALID_FILE if tensors are missing or have other shapes than the configuration says, or if
     *     a file was cut short since it was opened
     */
    public ModelWeights weights(Operations operations) {
        // Read by the device while they are handed over, not afterwards.
        List<Registration> registrations = new ArrayList<>();
        try {
            files.files().forEach(file -> registrations.add(operations.register(file.mapped())));
            registrations.forEach(Registration::await);
            ModelWeights weights = WeightLoader.load(config, files, operations);
            checkIntact();
            return weights;
        } catch (InvalidFileException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        } catch (InternalError e) {
            // What the JVM makes of a page that a file has lost, where a device copies it.
            checkIntact();
            throw e;
        } finally {
            registrations.forEach(Registration::close);
        }
    }

    /**
     * Checks that none of the files has become shorter since it was opened: what was read or computed from their weights
     * before this call is sound then.
     *
     * @throws LorikeetException INVALID_FILE if one has
     */
    public void checkIntact() {
        try {
            files.checkIntact();
        } catch (InvalidFileException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    /** The folder that was opened. */
    public Path folder() {
        return folder;
    }

    /** What config.json says. */
    public ModelConfig config() {
        return config;
    }

    /** What generation_config.json says. */
    public GenerationConfig generation() {
        return generation;
    }

    /** The tensors as they lie in the files. */
    public SafetensorsFolder files() {
        return files;
    }

    @Override
    public void close() {
        arena.close();
    }
}
