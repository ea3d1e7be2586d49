package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import lorikeet.memory.InvalidFileException;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;

/** An adapter folder opened without a base model: what it says of itself. Owns the mapping of its file. */
public final class AdapterSummary implements AutoCloseable {
    private final Arena arena;
    private final AdapterConfig config;
    private final String baseModel;
    private final SafetensorsFolder files;

    private AdapterSummary(Arena arena, AdapterConfig config, String baseModel, SafetensorsFolder files) {
        this.arena = arena;
        this.config = config;
        this.baseModel = baseModel;
        this.files = files;
    }

    /**
     * Opens an adapter folder.
     *
     * @throws LorikeetException NOT_FOUND, INVALID_FILE, or INCOMPATIBLE for what isn't supported with any base model
     */
    @SuppressWarnings("MustBeClosedChecker") // The arena is closed on failure, else by the summary.
    public static AdapterSummary open(Path folder) {
        JsonObject json = JsonFile.read(folder.resolve("adapter_config.json"));
        AdapterConfig config = AdapterConfigReader.read(json);
        String baseModel = json.string("base_model_name_or_path").orElse("not named");
        Arena arena = Arena.ofConfined();
        try {
            SafetensorsFolder files = SafetensorsFolder.open(folder, AdapterLoader.STEM, arena);
            return new AdapterSummary(arena, config, baseModel, files);
        } catch (InvalidFileException e) {
            arena.close();
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** What adapter_config.json says. */
    public AdapterConfig config() {
        return config;
    }

    /** What adapter_config.json calls the base model. */
    public String baseModel() {
        return baseModel;
    }

    /** The tensors as they lie in the file. */
    public SafetensorsFolder files() {
        return files;
    }

    @Override
    public void close() {
        arena.close();
    }
}
