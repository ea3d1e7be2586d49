package lorikeet.runtime;

import java.nio.file.Path;
import lorikeet.runtime.adapter.LoadedAdapter;

/**
 * A load of an adapter, to be named in requests. Closing it unloads it: it waits for the requests that hold it to end,
 * and then gives all its memory back. Closing twice does nothing. Safe for use by several threads.
 */
public final class Adapter implements AutoCloseable {
    private final Lorikeet owner;
    private final String name;
    private final Path path;
    private final long id;
    private final LoadedAdapter loaded;
    private volatile boolean pinned;

    Adapter(Lorikeet owner, String name, Path path, long id, boolean pinned, LoadedAdapter loaded) {
        this.owner = owner;
        this.name = name;
        this.path = path;
        this.id = id;
        this.loaded = loaded;
        this.pinned = pinned;
    }

    /** The name that it was loaded under. */
    public String name() {
        return name;
    }

    /** The folder that it was loaded from. */
    public Path path() {
        return path;
    }

    /** A number that no other adapter of the same runtime ever has. */
    public long id() {
        return id;
    }

    /** The size of its tensors in bytes. */
    public long bytes() {
        return loaded.bytes();
    }

    /** The largest rank among its modules; 0 if it has no low-rank changes. */
    public int maxRank() {
        return loaded.maxRank();
    }

    /** Whether it stays loaded and on the device when others need room. */
    public boolean pinned() {
        return pinned;
    }

    void pinned(boolean value) {
        pinned = value;
    }

    /** Where it is in its life; it may be somewhere else a moment later. */
    public AdapterState state() {
        return owner.adapter(name).filter(current -> current == this).isPresent()
                ? AdapterState.RESIDENT
                : AdapterState.CLOSED;
    }

    /** The number of requests that hold it. */
    public int activeRequests() {
        return owner.activeRequests(this);
    }

    Lorikeet owner() {
        return owner;
    }

    LoadedAdapter loaded() {
        return loaded;
    }

    @Override
    public void close() {
        owner.unload(this);
    }

    @Override
    public String toString() {
        return name + " (" + path + ")";
    }
}
