package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Registration;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.memory.SlabPlan;
import org.jspecify.annotations.Nullable;

/**
 * An adapter whose file is mapped and checked against a base model. Owns the mapping, its registration with a device if
 * there is one, and what was computed at loading; close it when no batch uses its weights any more.
 */
public final class LoadedAdapter implements AutoCloseable {
    private final Arena arena;
    private final SafetensorsFolder files;
    private final AdapterConfig config;
    private final AdapterWeights weights;
    private final List<ChangedModule> modules;
    private final long bytes;
    private final List<Registration> registrations;
    private final AtomicBoolean closed = new AtomicBoolean();
    private @Nullable SlabPlan plan;

    /**
     * A module that the adapter changes, for people.
     *
     * @param name the module's path in the base model
     * @param change what is changed
     * @param rank the rank, 0 where the change isn't a low-rank one
     * @param scaling the factor of the low-rank product
     */
    public record ChangedModule(String name, String change, int rank, float scaling) {}

    LoadedAdapter(
            Arena arena,
            SafetensorsFolder files,
            List<Registration> registrations,
            AdapterConfig config,
            AdapterWeights weights,
            List<ChangedModule> modules) {
        this.arena = arena;
        this.files = files;
        this.registrations = List.copyOf(registrations);
        this.config = config;
        this.weights = weights;
        this.modules = List.copyOf(modules);
        this.bytes = files.tensors().values().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
    }

    /** What its configuration says. */
    public AdapterConfig config() {
        return config;
    }

    /** What it changes, for batches. */
    public AdapterWeights weights() {
        return weights;
    }

    /** The modules that it changes, in the order of the file. */
    public List<ChangedModule> modules() {
        return modules;
    }

    /** The tensors as they lie in the file. */
    public SafetensorsFolder files() {
        return files;
    }

    /** The size of its tensors in bytes. */
    public long bytes() {
        return bytes;
    }

    /** The largest rank among its modules; 0 if it has no low-rank changes. */
    public int maxRank() {
        return modules.stream().mapToInt(ChangedModule::rank).max().orElse(0);
    }

    /**
     * Gets it ready for copies into a device's slabs of this size, before anything else uses it: plans where the tensors
     * will go, and waits until the files are registered with the device, if they are to be.
     */
    public LoadedAdapter prepare(Operations operations, long slabBytes) {
        plan = operations.plan(weights, slabBytes);
        registrations.forEach(Registration::await);
        return this;
    }

    /** Where its tensors go in a device's slabs, once it is prepared. */
    public SlabPlan plan() {
        return Objects.requireNonNull(plan, "not prepared for a device");
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            registrations.forEach(Registration::close);
            arena.close();
        }
    }
}
