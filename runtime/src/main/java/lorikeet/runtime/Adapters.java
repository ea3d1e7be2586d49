package lorikeet.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import lorikeet.runtime.adapter.AdapterCatalog;
import lorikeet.runtime.adapter.AdapterJournal;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.adapter.AdapterLimits;
import lorikeet.runtime.adapter.AdapterRegistry;
import lorikeet.runtime.adapter.AdapterSource;
import lorikeet.runtime.adapter.AdapterStateFile;
import lorikeet.runtime.adapter.AdapterVersion;
import lorikeet.runtime.adapter.OfferedAdapters;

/**
 * The adapters of a model: those that are loaded, those that a folder offers, and those that a file remembers. Safe for
 * use by several threads.
 */
final class Adapters implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Adapters.class.getName());

    private final AdapterRegistry registry;
    private final Optional<OfferedAdapters> catalog;
    private final Optional<AdapterStateFile> stateFile;

    /**
     * No adapters yet.
     *
     * @param poolBytes the memory for adapters' weights and everything else that isn't the model's
     * @param source reads an adapter's files
     * @param retirement is given each load that is gone and held by nobody
     */
    Adapters(Options options, long poolBytes, AdapterSource source, Consumer<AdapterVersion> retirement) {
        stateFile = options.stateFile().map(AdapterStateFile::new);
        registry = new AdapterRegistry(
                limits(options, poolBytes),
                source,
                retirement,
                stateFile.<AdapterJournal>map(file -> file).orElse(AdapterJournal.NONE));
        catalog = options.adapterFolder().map(folder -> new OfferedAdapters(registry, new AdapterCatalog(folder)));
    }

    /** Some must be left that are not pinned, and half of the memory for whatever else there is. */
    private static AdapterLimits limits(Options options, long poolBytes) {
        return new AdapterLimits(
                options.loadedAdapters(),
                Math.min(options.loadedAdapters(), options.batchAdapters()) - 1,
                poolBytes / 2,
                options.highestRank());
    }

    /** Loads what the state file remembers. What can't be loaded is logged, and remembered still. */
    void restore() {
        stateFile.ifPresent(file -> {
            List<AdapterStateFile.Entry> entries = file.read();
            entries.forEach(file::keep);
            entries.forEach(this::restore);
        });
    }

    private void restore(AdapterStateFile.Entry entry) {
        try {
            registry.load(entry.name(), entry.path(), new LoadSettings(entry.pinned(), false));
        } catch (LorikeetException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the adapter " + entry.name() + " was loaded before, and can't be loaded now: " + e.getMessage());
        }
    }

    AdapterVersion load(String name, Path folder, LoadSettings settings) {
        AdapterVersion version = registry.load(name, folder, settings);
        catalog.ifPresent(offers -> offers.offer(name));
        return version;
    }

    AdapterVersion replace(String name, Path folder) {
        boolean pinned = registry.find(name).map(AdapterVersion::pinned).orElse(false);
        return load(name, folder, new LoadSettings(pinned, true));
    }

    void unload(String name, Unload how) {
        // First, so that no request brings it back in between; it is no harm if the unload fails.
        boolean offered = catalog.map(offers -> offers.withdraw(name)).orElse(false);
        try {
            registry.unload(name, how);
        } catch (LorikeetException e) {
            if (offered && registry.find(name).isPresent()) {
                catalog.ifPresent(offers -> offers.offer(name));
            }
            throw e;
        }
    }

    void unload(AdapterVersion version, Unload how) {
        if (registry.find(version.name()).orElse(null) == version) {
            catalog.ifPresent(offers -> offers.withdraw(version.name()));
        }
        registry.unload(version, how);
    }

    void pin(String name, boolean pinned) {
        registry.pin(name, pinned);
    }

    /**
     * A lease of the adapter that has this name now; one that is only offered is loaded first.
     *
     * @param patience how long an offered one may wait for room
     */
    AdapterLease lend(String name, Duration patience) {
        return catalog.map(offers -> offers.lend(name, patience))
                .or(() -> registry.lend(name))
                .orElseThrow(() -> notLoaded(name, "is not loaded"));
    }

    /** A lease of just this load. */
    AdapterLease lend(AdapterVersion version) {
        return registry.lend(version).orElseThrow(() -> notLoaded(version.name(), "is not loaded any more"));
    }

    private static LorikeetException notLoaded(String name, String problem) {
        return new LorikeetException(ErrorCode.NOT_FOUND, "the adapter " + name + " " + problem);
    }

    Optional<AdapterVersion> find(String name) {
        return registry.find(name);
    }

    List<AdapterVersion> current() {
        return registry.current();
    }

    List<AdapterVersion> draining() {
        return registry.draining();
    }

    /** How many requests wait until there is room for their adapters. */
    int waiting() {
        return catalog.map(OfferedAdapters::waiting).orElse(0);
    }

    /** The names that the folder offers, loaded or not. */
    List<String> offered() {
        return catalog.map(OfferedAdapters::names).orElse(List.of());
    }

    List<AdapterStatistics> statistics() {
        return registry.statistics();
    }

    /** Closes all adapters. The engine must have ended. */
    @Override
    public void close() {
        registry.close();
    }
}
