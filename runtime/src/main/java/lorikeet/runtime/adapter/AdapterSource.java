package lorikeet.runtime.adapter;

import java.nio.file.Path;

/** Where adapters come from. */
@FunctionalInterface
public interface AdapterSource {
    /**
     * Reads and checks an adapter. Called on any thread, by several at a time.
     *
     * @throws lorikeet.runtime.LorikeetException if it can't be used; nothing is left open then
     */
    LoadedAdapter load(Path folder);
}
