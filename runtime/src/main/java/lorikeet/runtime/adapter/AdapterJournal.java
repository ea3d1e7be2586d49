package lorikeet.runtime.adapter;

import java.util.List;

/** What remembers which adapters are loaded. */
@FunctionalInterface
public interface AdapterJournal {
    /** Remembers nothing. */
    AdapterJournal NONE = adapters -> {};

    /**
     * Notes that these adapters, and no others, are loaded. Called before a change is made, by one thread at a time.
     *
     * @throws lorikeet.runtime.LorikeetException if it could not be noted; the change is not made then
     */
    void save(List<AdapterVersion> adapters);
}
