package lorikeet.runtime.adapter;

import org.jspecify.annotations.Nullable;

/** A lease of an {@link AdapterRegistry}. */
final class RegistryLease implements AdapterLease {
    private final AdapterRegistry owner;
    private final AdapterVersion version;
    private boolean aborted;
    private boolean closed;
    private @Nullable Runnable onAbort;

    RegistryLease(AdapterRegistry owner, AdapterVersion version) {
        this.owner = owner;
        this.version = version;
    }

    @Override
    public long id() {
        return version.id();
    }

    @Override
    public String name() {
        return version.name();
    }

    @Override
    public AdapterVersion version() {
        return version;
    }

    @Override
    public LoadedAdapter loaded() {
        return version.loaded();
    }

    @Override
    public synchronized boolean isAborted() {
        return aborted;
    }

    @Override
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
