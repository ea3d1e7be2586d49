package lorikeet.runtime.engine;

import lorikeet.kernels.AdapterWeights;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;

/** Which adapters' weights lie in the device's slabs. Engine thread only; never blocks. */
public interface Residency {
    /** What became of an adapter that was asked for. */
    enum Presence {
        /** Its weights can be used. */
        RESIDENT,
        /** Its weights are being copied. */
        COMING,
        /** Adapters that are held, and keys and values in use, take all the room. */
        NO_ROOM,
        /** It can't be used; {@link #failure} says why. */
        FAILED
    }

    /**
     * Asks for an adapter: if there is room for it, or room can be made by giving up cached prefixes and adapters that
     * nobody holds, its weights start to come. Asking marks it as used.
     */
    Presence ask(AdapterLease lease);

    /** The weights of a resident adapter, for the next step. */
    AdapterWeights weights(AdapterLease lease);

    /** Why an adapter is {@link Presence#FAILED}. */
    LorikeetException failure(AdapterLease lease);

    /** A running sequence needs this resident adapter. Called once for each sequence. */
    void hold(AdapterLease lease);

    /** A sequence doesn't need it any more, and no step in flight does. Called once for each {@link #hold}. */
    void release(AdapterLease lease);

    /** Publishes copies that have finished; true if something changed. */
    boolean poll();

    /** Whether weights are being copied. Their room can't be had now, but later. */
    boolean isCopying();

    /**
     * Gives up the adapter that was used longest ago among those that nobody holds and that aren't pinned.
     *
     * @return false if there is none
     */
    boolean evictOne();

    /** When the adapter that {@link #evictOne} would take was last used, as a number of a step; the largest if none. */
    long oldestUse();
}
