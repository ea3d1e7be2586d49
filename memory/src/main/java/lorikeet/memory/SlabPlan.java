package lorikeet.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where tensors of given sizes go in slabs: how many runs of neighbouring slabs they take, and for each tensor its run
 * and its offset there. A tensor never straddles slabs that are not neighbours: a large one gets a run of its own, small
 * ones share a slab or the rest of a run. Immutable.
 */
public final class SlabPlan {
    /** Every tensor starts at a multiple of this many bytes in its run. */
    public static final long ALIGNMENT = 256;

    private final int[] lengths;
    private final int[] run;
    private final long[] offset;
    private final long[] sizes;
    private final int slabs;

    private SlabPlan(int[] lengths, int[] run, long[] offset, long[] sizes) {
        this.lengths = lengths;
        this.run = run;
        this.offset = offset;
        this.sizes = sizes;
        this.slabs = IntStream.of(lengths).sum();
    }

    /**
     * Packs tensors: the largest first, each into the first run that has room left.
     *
     * @param sizes the tensors' sizes in bytes; copied
     * @param slabBytes the size of a slab
     */
    public static SlabPlan of(long[] sizes, long slabBytes) {
        List<Integer> order = IntStream.range(0, sizes.length)
                .boxed()
                .sorted(Comparator.comparingLong((Integer tensor) -> -sizes[tensor]))
                .toList();
        int[] run = new int[sizes.length];
        long[] offset = new long[sizes.length];
        List<Integer> lengths = new ArrayList<>();
        List<Long> ends = new ArrayList<>();
        // Sizes only fall from here on: what had no room for the last one may have some for the next.
        for (int tensor : order) {
            int at = 0;
            while (at < lengths.size() && ends.get(at) + sizes[tensor] > lengths.get(at) * slabBytes) {
                at++;
            }
            if (at == lengths.size()) {
                lengths.add(Math.toIntExact(Math.max(1, (sizes[tensor] + slabBytes - 1) / slabBytes)));
                ends.add(0L);
            }
            run[tensor] = at;
            offset[tensor] = ends.get(at);
            ends.set(at, (offset[tensor] + sizes[tensor] + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        }
        int[] runLengths = lengths.stream().mapToInt(Integer::intValue).toArray();
        return new SlabPlan(runLengths, run, offset, sizes.clone());
    }

    /** Number of runs. Earlier ones are at least as long as later ones. */
    public int runs() {
        return lengths.length;
    }

    /** The number of neighbouring slabs in a run. */
    public int length(int runIndex) {
        return lengths[runIndex];
    }

    /** Number of slabs in all runs. */
    public int slabs() {
        return slabs;
    }

    /** Number of tensors. */
    public int tensors() {
        return sizes.length;
    }

    /**
     * A tensor's memory.
     *
     * @param tensor its index among the sizes
     * @param runMemory one segment for each run, as {@link SlabLease#memory} gives it
     */
    public MemorySegment memory(int tensor, List<MemorySegment> runMemory) {
        return runMemory.get(run[tensor]).asSlice(offset[tensor], sizes[tensor]);
    }
}
