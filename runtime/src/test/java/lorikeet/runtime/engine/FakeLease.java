package lorikeet.runtime.engine;

import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.adapter.AdapterVersion;
import lorikeet.runtime.adapter.LoadedAdapter;

/** A lease of an adapter that has nothing but an id. */
record FakeLease(long id) implements AdapterLease {
    @Override
    public String name() {
        return "adapter " + id;
    }

    @Override
    public AdapterVersion version() {
        throw new UnsupportedOperationException();
    }

    @Override
    public LoadedAdapter loaded() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isAborted() {
        return false;
    }

    @Override
    public void onAbort(Runnable action) {}

    @Override
    public void close() {}
}
