package lorikeet.runtime;

import java.nio.file.Path;
import lorikeet.runtime.adapter.AdapterVersion;
import org.jspecify.annotations.Nullable;

/**
 * A load of an adapter, to be named in requests. Closing it unloads it: it waits for the requests that hold it to end,
 * and for its memory to be given back. Closing twice does nothing. Safe for use by several threads.
 *
 * <p>Two of these are equal if they stand for the same load.
 */
public final class Adapter implements AutoCloseable {
    private final Lorikeet owner;
    private final AdapterVersion version;

    Adapter(Lorikeet owner, AdapterVersion version) {
        this.owner = owner;
        this.version = version;
    }

    /** The name that it was loaded under. */
    public String name() {
        return version.name();
    }

    /** The folder that it was loaded from. */
    public Path path() {
        return version.path();
    }

    /** A positive number that no other load of the same runtime ever has. */
    public long id() {
        return version.id();
    }

    /** The size of its tensors in bytes. */
    public long bytes() {
        return version.loaded().bytes();
    }

    /** The largest rank among its modules; 0 if it has no low-rank changes. */
    public int maxRank() {
        return version.loaded().maxRank();
    }

    /** Whether it stays loaded, and on the device once it is there, when others need room. */
    public boolean pinned() {
        return version.pinned();
    }

    /** Where it is in its life; it may be somewhere else a moment later. */
    public AdapterState state() {
        return version.state();
    }

    /** The number of requests that hold it. */
    public int activeRequests() {
        return version.activeRequests();
    }

    Lorikeet owner() {
        return owner;
    }

    AdapterVersion version() {
        return version;
    }

    /** Unloads it and waits. Not for listeners: what it waits for is the engine that calls them. */
    @Override
    public void close() {
        owner.unload(this);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Adapter adapter && adapter.version == version;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(version.id());
    }

    @Override
    public String toString() {
        return name() + " (" + path() + ")";
    }
}
