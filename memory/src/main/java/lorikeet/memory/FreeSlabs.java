package lorikeet.memory;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Which slabs of a growing set are free. Slabs are neighbours if their indices are and they came in one chunk.
 *
 * <p>Single slabs are taken from the low end, so that long runs last at the high end. Not safe for use by several
 * threads.
 */
final class FreeSlabs {
    private final BitSet free = new BitSet();

    /** The first slab of each chunk, and the slab behind the last chunk. */
    private final BitSet borders = new BitSet();

    private int reserved;
    private int size;

    /** No slab below this one is free. */
    private int lowest;

    /** The slabs there are, free or not. */
    int reserved() {
        return reserved;
    }

    /** The slabs that are free. */
    int size() {
        return size;
    }

    /** Adds {@code length} free slabs that are neighbours of each other and of no others. */
    void addChunk(int length) {
        borders.set(reserved);
        borders.set(reserved + length);
        free.set(reserved, reserved + length);
        reserved += length;
        size += length;
    }

    /** Takes the free slab with the lowest index; there must be one. */
    int takeLowest() {
        int slab = free.nextSetBit(lowest);
        free.clear(slab);
        size--;
        lowest = slab + 1;
        return slab;
    }

    /** Takes {@code count} slabs, of which there must be as many, in few runs: one if there is one that long. */
    List<SlabRun> take(int count) {
        List<SlabRun> taken = new ArrayList<>();
        for (int missing = count; missing > 0; ) {
            SlabRun best = bestRun(missing);
            SlabRun run = new SlabRun(best.first(), Math.min(best.length(), missing));
            free.clear(run.first(), run.first() + run.length());
            size -= run.length();
            missing -= run.length();
            taken.add(run);
        }
        return taken;
    }

    /** Makes slabs free again. */
    void give(int first, int length) {
        if (first < 0 || first > reserved - length) {
            throw new IllegalStateException("slab " + first + " does not exist");
        }
        int alreadyFree = free.nextSetBit(first);
        if (alreadyFree >= 0 && alreadyFree < first + length) {
            throw new IllegalStateException("slab " + alreadyFree + " is not lent");
        }
        free.set(first, first + length);
        size += length;
        lowest = Math.min(lowest, first);
    }

    /** The shortest free run of at least {@code count} slabs; if there is none, the longest; if none is free, an empty one. */
    SlabRun bestRun(int count) {
        int bestFirst = 0;
        int bestLength = 0;
        int first = free.nextSetBit(lowest);
        while (first >= 0) {
            int end = Math.min(free.nextClearBit(first), borders.nextSetBit(first + 1));
            int length = end - first;
            boolean better = bestLength < count ? length > bestLength : length >= count && length < bestLength;
            if (better) {
                bestFirst = first;
                bestLength = length;
            }
            first = free.nextSetBit(end);
        }
        return new SlabRun(bestFirst, bestLength);
    }
}
