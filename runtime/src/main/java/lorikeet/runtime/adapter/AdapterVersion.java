package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import lorikeet.runtime.AdapterState;
import lorikeet.runtime.LoadSettings;

/**
 * One load of an adapter: what a name points to until the adapter is replaced or unloaded. Everything inside goes by its
 * id, which no other load ever has.
 *
 * <p>Safe for use by several threads. What is not final or volatile belongs to the {@link AdapterRegistry}, under its
 * lock.
 */
public final class AdapterVersion {
    private final long id;
    private final String name;
    private final Path path;
    private final LoadedAdapter loaded;
    private final boolean remembered;
    private final AdapterCounters counters;
    private final Consumer<AdapterVersion> whenClosed;
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private final Set<RegistryLease> leases = new HashSet<>();
    private volatile boolean pinned;
    private volatile boolean draining;
    private volatile boolean resident;
    private volatile int activeRequests;
    private long lastUse;
    private boolean retired;

    AdapterVersion(
            long id,
            String name,
            Path path,
            LoadedAdapter loaded,
            LoadSettings settings,
            AdapterCounters counters,
            Consumer<AdapterVersion> whenClosed) {
        this.id = id;
        this.name = name;
        this.path = path;
        this.loaded = loaded;
        this.pinned = settings.pinned();
        this.remembered = settings.remembered();
        this.counters = counters;
        this.whenClosed = whenClosed;
    }

    /** A positive number that no other load of the same runtime has. */
    public long id() {
        return id;
    }

    /** The name that it was loaded under. */
    public String name() {
        return name;
    }

    /** The folder that it was loaded from. */
    public Path path() {
        return path;
    }

    /** Its files and weights; open until this version is closed. */
    public LoadedAdapter loaded() {
        return loaded;
    }

    /** Whether it never makes room for another. */
    public boolean pinned() {
        return pinned;
    }

    /** Whether the state file names it. */
    boolean remembered() {
        return remembered;
    }

    /** What is counted for its name. */
    AdapterCounters counters() {
        return counters;
    }

    /** Where it is in its life, for people: it may be somewhere else a moment later. */
    public AdapterState state() {
        if (closed.isDone()) {
            return AdapterState.CLOSED;
        }
        if (draining) {
            return AdapterState.DRAINING;
        }
        return resident ? AdapterState.RESIDENT : AdapterState.READY;
    }

    /** The requests that hold it. */
    public int activeRequests() {
        return activeRequests;
    }

    /** Whether its weights lie on the device, be it draining or not. */
    public boolean isResident() {
        return resident;
    }

    /** Notes whether its weights lie on the device. */
    void resident(boolean value) {
        resident = value;
    }

    /** Done when everything has been given back. */
    CompletableFuture<Void> closed() {
        return closed;
    }

    /** Gives everything back, once nothing uses it any more. */
    void close() {
        try {
            loaded.close();
        } finally {
            whenClosed.accept(this);
            closed.complete(null);
        }
    }

    void pinned(boolean value) {
        pinned = value;
    }

    boolean draining() {
        return draining;
    }

    void draining(boolean value) {
        draining = value;
    }

    void add(RegistryLease lease, long now) {
        leases.add(lease);
        activeRequests = leases.size();
        lastUse = now;
    }

    void remove(RegistryLease lease) {
        leases.remove(lease);
        activeRequests = leases.size();
    }

    List<RegistryLease> leases() {
        return List.copyOf(leases);
    }

    boolean idle() {
        return leases.isEmpty();
    }

    long lastUse() {
        return lastUse;
    }

    /** True the first time that it is draining and held by nobody; the caller then gives it back. */
    boolean retire() {
        if (!draining || !leases.isEmpty() || retired) {
            return false;
        }
        retired = true;
        return true;
    }

    @Override
    public String toString() {
        return name + "#" + id;
    }
}
