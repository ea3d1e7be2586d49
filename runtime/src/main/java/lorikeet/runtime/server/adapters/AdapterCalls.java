package lorikeet.runtime.server.adapters;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import lorikeet.runtime.adapter.AllowedRoots;

/** What clients may do to the adapters of a model. Loads read from allowed folders only. */
public final class AdapterCalls {
    private final Lorikeet model;
    private final String baseName;
    private final AllowedRoots roots;

    /** Changes a model's adapters. */
    public AdapterCalls(Lorikeet model, String baseName, AllowedRoots roots) {
        this.model = model;
        this.baseName = baseName;
        this.roots = roots;
    }

    /**
     * Loads an adapter.
     *
     * @throws LorikeetException as {@link Lorikeet#load} does; INVALID_REQUEST for a path outside the allowed folders, and
     *     for a name that clients couldn't tell from the base model's
     */
    public void load(String name, String path, LoadSettings settings) {
        if (name.equals(baseName) || name.startsWith(baseName + ":")) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST, "an adapter can't be called " + name + ": that names the base model");
        }
        model.load(name, roots.check(path), settings);
    }

    /** Unloads an adapter; NOT_FOUND if there is none with this name. */
    public void unload(String name, Unload how) {
        model.unload(name, how);
    }

    /** Pins an adapter to the device or lets it go. */
    public void pin(String name, boolean pinned) {
        model.pin(name, pinned);
    }

    /** The names of the loaded adapters with their folders. */
    public Map<String, String> loaded() {
        Map<String, String> loaded = new LinkedHashMap<>();
        model.adapters()
                .forEach(adapter -> loaded.put(adapter.name(), adapter.path().toString()));
        return loaded;
    }

    /** The loaded adapters as they are now, and those that requests still hold though they were unloaded. */
    public List<AdapterView> views() {
        return Stream.concat(model.adapters().stream(), model.drainingAdapters().stream())
                .map(AdapterView::of)
                .toList();
    }

    /** The names that a folder offers, loaded or not. */
    public List<String> offered() {
        return model.offeredAdapters();
    }
}
