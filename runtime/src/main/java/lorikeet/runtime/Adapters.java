package lorikeet.runtime;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.adapter.AdapterVersion;
import lorikeet.runtime.adapter.LoadedAdapter;
import org.jspecify.annotations.Nullable;

/** The loaded adapters by name, and the leases of those in use. Safe for use by several threads. */
final class Adapters {
    private final Map<String, Entry> byName = new LinkedHashMap<>();
    private final Set<String> loading = new HashSet<>();
    private long nextId = 1;
    private boolean closed;

    /** A load of an adapter. */
    private static final class Entry {
        private final Adapter adapter;
        private final Set<Lease> leases = new HashSet<>();
        private boolean unloaded;

        Entry(Adapter adapter) {
            this.adapter = adapter;
        }
    }

    private final class Lease implements AdapterLease {
        private final Entry entry;
        private boolean aborted;
        private @Nullable Runnable action;

        Lease(Entry entry) {
            this.entry = entry;
        }

        @Override
        public long id() {
            return entry.adapter.id();
        }

        @Override
        public String name() {
            return entry.adapter.name();
        }

        @Override
        public AdapterVersion version() {
            throw new UnsupportedOperationException("to come with the registry");
        }

        @Override
        public LoadedAdapter loaded() {
            return entry.adapter.loaded();
        }

        @Override
        public boolean isAborted() {
            synchronized (Adapters.this) {
                return aborted;
            }
        }

        @Override
        public void onAbort(Runnable value) {
            synchronized (Adapters.this) {
                if (!aborted) {
                    action = value;
                    return;
                }
            }
            value.run();
        }

        @Override
        public void close() {
            giveBack(this);
        }
    }

    /** Loads under a name that is free, or takes its place. */
    Adapter load(String name, LoadSettings settings, LongFunction<Adapter> loader) {
        long id;
        synchronized (this) {
            checkOpen();
            if (loading.contains(name) || (byName.containsKey(name) && !settings.replace())) {
                throw new LorikeetException(ErrorCode.ALREADY_LOADED, "the adapter " + name + " is already loaded");
            }
            loading.add(name);
            id = nextId++;
        }
        Adapter adapter;
        try {
            adapter = loader.apply(id);
        } finally {
            synchronized (this) {
                loading.remove(name);
            }
        }
        Entry before;
        synchronized (this) {
            if (closed) {
                adapter.loaded().close();
            }
            checkOpen();
            before = byName.put(name, new Entry(adapter));
            if (before != null) {
                before.unloaded = true;
            }
        }
        if (before != null) {
            retire(before);
        }
        return adapter;
    }

    private void checkOpen() {
        if (closed) {
            throw new LorikeetException(ErrorCode.ABORTED, "the model is closed");
        }
    }

    /** A lease of the adapter that has this name, or of just this load. */
    synchronized AdapterLease lease(String name, @Nullable Adapter wanted) {
        checkOpen();
        Entry entry = byName.get(name);
        if (entry == null || (wanted != null && entry.adapter != wanted)) {
            throw new LorikeetException(
                    ErrorCode.NOT_FOUND,
                    "the adapter " + name + (wanted == null ? " is not loaded" : " is not loaded any more"));
        }
        Lease lease = new Lease(entry);
        entry.leases.add(lease);
        return lease;
    }

    private void giveBack(Lease lease) {
        synchronized (this) {
            if (!lease.entry.leases.remove(lease)) {
                return;
            }
            notifyAll();
        }
        retire(lease.entry);
    }

    private void retire(Entry entry) {
        synchronized (this) {
            if (!entry.unloaded || !entry.leases.isEmpty()) {
                return;
            }
        }
        entry.adapter.loaded().close();
    }

    void unload(String name, @Nullable Adapter wanted, Unload how) {
        Entry entry;
        List<Runnable> actions = new ArrayList<>();
        synchronized (this) {
            entry = byName.get(name);
            if (entry == null || (wanted != null && entry.adapter != wanted)) {
                if (wanted != null) {
                    return;
                }
                throw new LorikeetException(ErrorCode.NOT_FOUND, "the adapter " + name + " is not loaded");
            }
            byName.remove(name);
            entry.unloaded = true;
            if (how instanceof Unload.Now) {
                for (Lease lease : entry.leases) {
                    lease.aborted = true;
                    if (lease.action != null) {
                        actions.add(lease.action);
                    }
                }
            }
        }
        actions.forEach(Runnable::run);
        retire(entry);
        if (how instanceof Unload.Drain drain && drain.await()) {
            await(entry);
        }
    }

    private synchronized void await(Entry entry) {
        boolean interrupted = false;
        while (!entry.leases.isEmpty()) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    synchronized Optional<Adapter> get(String name) {
        return Optional.ofNullable(byName.get(name)).map(entry -> entry.adapter);
    }

    synchronized List<Adapter> all() {
        return byName.values().stream().map(entry -> entry.adapter).toList();
    }

    /** Refuses everything from now on, and closes the adapters; nothing may be leased. */
    void close() {
        List<Adapter> left;
        synchronized (this) {
            closed = true;
            left = all();
            byName.clear();
        }
        left.forEach(adapter -> adapter.loaded().close());
    }

    /** The number of an adapter's open leases. */
    synchronized int leases(Adapter adapter) {
        Entry entry = byName.get(adapter.name());
        return entry == null || entry.adapter != adapter ? 0 : entry.leases.size();
    }
}
