package lorikeet.runtime.adapter;

import org.jspecify.annotations.Nullable;

/**
 * A request's hold on an adapter: as long as it is open, this version of the adapter stays as it is. Whatever ends the
 * request closes it; only the first close counts. Safe for use by several threads.
 */
public final class AdapterLease implements AutoCloseable {
    private final AdapterRegistry owner;
    private final AdapterVersion version;
    private boolean aborted;
    private boolean closed;
    private @Nullable Runnable onAbort;

    AdapterLease(AdapterRegistry owner, AdapterVersion version) {
        this.owner = owner;
        this.version = version;
    }

    /** The id of the load that it holds. */
    public long id() {
        return version.id();
    }

    /** The adapter's name. */
    public String name() {
        return version.name();
    }

    /** What it holds. */
    public AdapterVersion version() {
        return version;
    }

    /** The adapter's files and weights. */
    public LoadedAdapter loaded() {
        return version.loaded();
    }

    /** Whether the adapter was unloaded without waiting for this request to finish. */
    public synchronized boolean isAborted() {
        return aborted;
    }

    /**
     * Says what to do when the adapter is unloaded without waiting for the request. It runs at most once, on the thread
     * that unloads or, if that has happened already, on this one; it must return quickly. A later call takes the place of
     * an earlier one.
     */
    public void onAbort(Runnable action) {
        synchronized (this) {
            if (closed) {
                return;
            }
            if (!aborted) {
                onAbort = action;
                return;
            }
        }
        action.run();
    }

    void abort() {
        Runnable action;
        synchronized (this) {
            if (closed || aborted) {
                return;
            }
            aborted = true;
            action = onAbort;
            onAbort = null;
        }
        if (action != null) {
            action.run();
        }
    }

    /** Lets go of the adapter. If it is being unloaded and this was the last hold, its memory is given back soon after. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            onAbort = null;
        }
        owner.giveBack(this);
    }
}
