package lorikeet.runtime.engine;

/** Takes memory back from the prefix cache, for adapters. Engine thread only. */
public interface Reclaimer {
    /**
     * Gives up cached blocks, those that were used longest ago first, until a slab goes back to the pool.
     *
     * @return false if that can't be had: all others are in use
     */
    boolean freeSlab();

    /** When the block that is given up next was last used, as a number of a step; the largest if there is none. */
    long oldestUse();
}
