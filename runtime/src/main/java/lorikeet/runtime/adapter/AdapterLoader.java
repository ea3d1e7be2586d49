package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Registration;
import lorikeet.memory.InvalidFileException;
import lorikeet.memory.Matrix;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.memory.Tensor;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.LoadedAdapter.ChangedModule;
import lorikeet.runtime.adapter.TensorName.Part;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.model.BaseModule;
import lorikeet.runtime.model.ModelWeights;
import org.jspecify.annotations.Nullable;

/**
 * Opens an adapter folder of PEFT's: maps its tensors and checks them against the base model. The tensors' names decide
 * which modules are adapted; whatever the configuration says of target modules was used to make them.
 *
 * <p>May run on any thread, several at a time, while the model is in use.
 */
public final class AdapterLoader {
    static final String STEM = "adapter_model";

    private final Path folder;
    private final AdapterConfig config;
    private final SafetensorsFolder files;
    private final ModelWeights base;
    private final ModuleChanges changes;
    private final TiedTables tables;
    private final @Nullable Delta[] deltas;
    private final List<ChangedModule> changed = new ArrayList<>();

    private AdapterLoader(
            Path folder,
            AdapterConfig config,
            SafetensorsFolder files,
            ModelWeights base,
            Operations operations,
            Arena arena) {
        this.folder = folder;
        this.config = config;
        this.files = files;
        this.base = base;
        this.changes = new ModuleChanges(config, operations, arena);
        this.tables = new TiedTables(base, config, arena);
        this.deltas = new @Nullable Delta[base.slots().count()];
    }

    /**
     * Loads an adapter.
     *
     * @param folder holds adapter_config.json and adapter_model.safetensors
     * @param base the model that it is for
     * @param operations compute the row norms that DoRA needs
     * @throws LorikeetException NOT_FOUND, INVALID_FILE, or INCOMPATIBLE with the base model or for what isn't supported
     */
    public static LoadedAdapter load(Path folder, ModelWeights base, Operations operations) {
        return load(folder, base, operations, mapped -> Registration.NONE);
    }

    /**
     * Loads an adapter as {@link #load} does, for the device of these operations. It starts to get the files ready for
     * copies while they are checked; {@link LoadedAdapter#prepare} waits for that.
     */
    public static LoadedAdapter loadRegistered(Path folder, ModelWeights base, Operations operations) {
        return load(folder, base, operations, operations::register);
    }

    @SuppressWarnings("MustBeClosedChecker") // The arena is closed on failure, else by the loaded adapter.
    private static LoadedAdapter load(
            Path folder, ModelWeights base, Operations operations, Function<MemorySegment, Registration> register) {
        if (!Files.isDirectory(folder)) {
            throw new LorikeetException(
                    ErrorCode.NOT_FOUND, folder + (Files.exists(folder) ? ": not a folder" : ": no such folder"));
        }
        Path configuration = folder.resolve("adapter_config.json");
        JsonFile.require(configuration);
        // Shared, because the kernels' threads read the tensors; one for the mapping and what is computed from it.
        Arena arena = Arena.ofShared();
        List<Registration> registrations = new ArrayList<>();
        try {
            SafetensorsFolder files =
                    SafetensorsFolder.open(folder, STEM, arena, mapped -> registrations.add(register.apply(mapped)));
            // Behind the mapping, because its registration takes longest, and goes on beside all that follows.
            AdapterConfig config = config(configuration);
            return new AdapterLoader(folder, config, files, base, operations, arena).loadIntact(arena, registrations);
        } catch (InvalidFileException e) {
            close(registrations, arena);
            // What is wrong with the configuration is worth more, and would have come first.
            config(configuration);
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            close(registrations, arena);
            throw e;
        }
    }

    private static AdapterConfig config(Path file) {
        return AdapterConfigReader.read(JsonFile.read(file));
    }

    private static void close(List<Registration> registrations, Arena arena) {
        registrations.forEach(Registration::close);
        arena.close();
    }

    /** Believes nothing that was read from a file which was cut short meanwhile; lost pages are faults. */
    private LoadedAdapter loadIntact(Arena arena, List<Registration> registrations) {
        try {
            LoadedAdapter loaded = load(arena, registrations);
            files.checkIntact();
            return loaded;
        } catch (InternalError e) {
            files.checkIntact();
            throw e;
        }
    }

    private LoadedAdapter load(Arena arena, List<Registration> registrations) {
        Map<String, Map<Part, Tensor>> modules = byModule();
        if (modules.isEmpty()) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, folder + ": the adapter has no tensors");
        }
        modules.forEach(this::change);
        checkComplete(modules);
        tie();
        return new LoadedAdapter(arena, files, registrations, config, new AdapterWeights(deltas), changed);
    }

    private Map<String, Map<Part, Tensor>> byModule() {
        Map<String, Map<Part, Tensor>> modules = new LinkedHashMap<>();
        for (Tensor tensor : files.tensors().values()) {
            TensorName name = TensorName.parse(tensor.name())
                    .orElseThrow(() -> incompatible(tensor, "is not a tensor that PEFT's LoRA has"));
            if (!tensor.type().isWeight()) {
                throw incompatible(tensor, "has the type " + tensor.type() + ", it must be F32, F16 or BF16");
            }
            Tensor other = modules.computeIfAbsent(name.module(), key -> new EnumMap<>(Part.class))
                    .put(name.part(), tensor);
            if (other != null) {
                throw incompatible(tensor, "means the same as " + other.name());
            }
        }
        return modules;
    }

    private void change(String name, Map<Part, Tensor> parts) {
        BaseModule module = base.modules().get(name);
        if (module == null) {
            Tensor tensor = parts.values().iterator().next();
            throw incompatible(tensor, "is for a module that the base model doesn't have");
        }
        Delta delta = changes.of(new ModuleTensors(module, parts), base.declaredTied());
        if (delta == null) {
            return;
        }
        deltas[module.slot()] = delta;
        changed.add(describe(name, delta));
    }

    /** What the configuration says is stored whole must be there: PEFT too refuses a file without it. */
    private void checkComplete(Map<String, Map<Part, Tensor>> modules) {
        for (String name : base.modules().keySet()) {
            if (config.replaces(name) && !modules.getOrDefault(name, Map.of()).containsKey(Part.WHOLE_WEIGHT)) {
                throw new LorikeetException(
                        ErrorCode.INVALID_FILE,
                        folder + ": modules_to_save names " + name + ", but the file has no tensor for it");
            }
        }
    }

    private void tie() {
        TiedTables.Changes own = new TiedTables.Changes(
                deltas[base.slots().embedding()], deltas[base.slots().head()]);
        TiedTables.Changes tied = tables.tie(own);
        if (!Objects.equals(tied.embedding(), own.embedding())) {
            set(base.slots().embedding(), ModelWeights.EMBEDDING, tied.embedding());
        }
        if (!Objects.equals(tied.head(), own.head())) {
            set(base.slots().head(), ModelWeights.HEAD, tied.head());
        }
    }

    private void set(int slot, String module, @Nullable Delta delta) {
        deltas[slot] = delta;
        changed.removeIf(other -> other.name().equals(module));
        if (delta != null) {
            changed.add(describe(module, delta));
        }
    }

    private static ChangedModule describe(String name, Delta delta) {
        return switch (delta) {
            case Delta.LowRank low ->
                new ChangedModule(name, low.magnitude() == null ? "LoRA" : "DoRA", low.rank(), low.scaling());
            case Delta.LowRankEmbedding low ->
                new ChangedModule(
                        name, low.magnitude() == null ? "LoRA" : "DoRA", low.a().rows(), low.scaling());
            case Delta.Rebased(Matrix weight, Delta change) -> {
                ChangedModule low = describe(name, change);
                yield new ChangedModule(name, low.change() + " on another weight", low.rank(), low.scaling());
            }
            case Delta.Replacement replacement -> new ChangedModule(name, "replaced", 0, 1);
            case Delta.TokenRows rows -> new ChangedModule(name, rows.tokens().length + " tokens' rows", 0, 1);
        };
    }

    static LorikeetException incompatible(Tensor tensor, String problem) {
        return new LorikeetException(
                ErrorCode.INCOMPATIBLE, tensor.file() + ": tensor " + tensor.name() + " " + problem);
    }
}
