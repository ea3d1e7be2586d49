package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.kernels.RowGroups;
import org.jspecify.annotations.Nullable;

/**
 * Writes a step as the kernels read it: the struct {@code Step} of step.cuh, its arrays right behind it, as tight as they
 * can be, so that one short upload brings all of it to the device. Allocates nothing.
 */
final class StepBuffer {
    static final int TILE_ROWS = 16;
    static final int ADDRESS_UNIT = 256;

    // Offsets in the struct: eight counts, then the pointers.
    static final long TOKENS = 0;
    static final long SEQUENCES = 4;
    static final long GROUPS = 8;
    static final long OUTPUTS = 12;
    static final long TILES = 16;
    static final long OUTPUT_GROUPS = 20;
    static final long OUTPUT_TILES = 24;
    static final long ALL_TILES = 28;
    static final long IDS = 32;
    static final long POSITIONS = 40;
    static final long TOKEN_SEQUENCE = 48;
    static final long TOKEN_GROUP = 56;
    static final long SEQUENCE_START = 64;
    static final long CONTEXT = 72;
    static final long TABLE_START = 80;
    static final long BLOCK_TABLE = 88;
    static final long FREQUENCIES = 96;
    static final long ROTARY_SCALING = 104;
    static final long GROUP_START = 112;
    static final long GROUP_ADAPTER = 120;
    static final long TILE = 128;
    static final long OUTPUT_ROWS = 136;
    static final long OUTPUT_GROUP_START = 144;
    static final long OUTPUT_GROUP_ADAPTER = 152;
    static final long OUTPUT_TILE = 160;
    static final long KV_BASE = 168;
    static final long HEADER_BYTES = 176;

    private static final long TILE_BYTES = 16;
    private static final long ALIGNMENT = 16;

    private MemorySegment host = MemorySegment.NULL;
    private long device;
    private long end;
    private int longestContext;

    /** The most bytes that a step with this batch can take. */
    static long bytes(Batch batch, KvCache cache) {
        long sequences = batch.sequences();
        long tables = 0;
        long frequencies = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            tables += KvLayout.blocksFor(batch.position(batch.sequenceEnd(s) - 1) + 1);
            frequencies += batch.rotary(s).inverse().length;
        }
        long groups = (long) batch.tokenGroups().count() + batch.outputGroups().count();
        long rows = (long) batch.tokens() + batch.outputs();
        long tiles = rows / TILE_ROWS + 2 * groups;
        long arrays = 17;
        return HEADER_BYTES
                + arrays * ALIGNMENT
                + 16L * batch.tokens()
                + 4L * batch.outputs()
                + 24 * (sequences + 1)
                + 4 * (tables + frequencies)
                + 12 * (groups + 2)
                + TILE_BYTES * tiles
                + cache.layout().headSize() * 4L
                + sequences * ALIGNMENT;
    }

    /**
     * Writes a step.
     *
     * @param to host memory, as long as {@link #bytes} says
     * @param deviceAddress where the bytes will lie
     * @param kvBase the device address that KV blocks are counted from
     * @return the number of bytes that were written
     */
    long write(Batch batch, KvCache cache, MemorySegment to, long deviceAddress, long kvBase) {
        host = to;
        device = deviceAddress;
        end = HEADER_BYTES;
        host.set(JAVA_INT, TOKENS, batch.tokens());
        host.set(JAVA_INT, SEQUENCES, batch.sequences());
        host.set(JAVA_INT, OUTPUTS, batch.outputs());
        host.set(JAVA_LONG, KV_BASE, kvBase);
        tokens(batch);
        sequences(batch);
        tables(batch, cache, kvBase);
        rotaries(batch);
        long rows = array(OUTPUT_ROWS, 4L * batch.outputs());
        for (int o = 0; o < batch.outputs(); o++) {
            host.set(JAVA_INT, rows + 4L * o, batch.outputRow(o));
        }
        groups(batch.tokenGroups(), GROUPS, GROUP_START, GROUP_ADAPTER, TILE, TILES);
        host.set(JAVA_INT, ALL_TILES, host.get(JAVA_INT, TILES) + tiles(batch.tokenGroups(), false));
        groups(
                batch.outputGroups(),
                OUTPUT_GROUPS,
                OUTPUT_GROUP_START,
                OUTPUT_GROUP_ADAPTER,
                OUTPUT_TILE,
                OUTPUT_TILES);
        return end;
    }

    /** The most cached tokens of a sequence in the step written last. */
    int longestContext() {
        return longestContext;
    }

    /** Starts an array at the end, points to it from the struct, and returns its offset. */
    private long array(long pointer, long bytes) {
        long at = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        host.set(JAVA_LONG, pointer, device + at);
        end = at + bytes;
        return at;
    }

    private void tokens(Batch batch) {
        int count = batch.tokens();
        long ids = array(IDS, 4L * count);
        long positions = array(POSITIONS, 4L * count);
        for (int row = 0; row < count; row++) {
            host.set(JAVA_INT, ids + 4L * row, batch.id(row));
            host.set(JAVA_INT, positions + 4L * row, batch.position(row));
        }
        long sequences = array(TOKEN_SEQUENCE, 4L * count);
        for (int s = 0; s < batch.sequences(); s++) {
            for (int row = batch.sequenceStart(s); row < batch.sequenceEnd(s); row++) {
                host.set(JAVA_INT, sequences + 4L * row, s);
            }
        }
        long groups = array(TOKEN_GROUP, 4L * count);
        RowGroups tokenGroups = batch.tokenGroups();
        for (int g = 0; g < tokenGroups.count(); g++) {
            for (int row = tokenGroups.start(g); row < tokenGroups.end(g); row++) {
                host.set(JAVA_INT, groups + 4L * row, g);
            }
        }
    }

    private void sequences(Batch batch) {
        int count = batch.sequences();
        long starts = array(SEQUENCE_START, 4L * (count + 1));
        long contexts = array(CONTEXT, 4L * count);
        longestContext = 0;
        host.set(JAVA_INT, starts, 0);
        for (int s = 0; s < count; s++) {
            int context = batch.position(batch.sequenceEnd(s) - 1) + 1;
            host.set(JAVA_INT, starts + 4L * (s + 1), batch.sequenceEnd(s));
            host.set(JAVA_INT, contexts + 4L * s, context);
            longestContext = Math.max(longestContext, context);
        }
    }

    private void tables(Batch batch, KvCache cache, long kvBase) {
        int count = batch.sequences();
        int blocks = 0;
        long starts = array(TABLE_START, 4L * count);
        for (int s = 0; s < count; s++) {
            host.set(JAVA_INT, starts + 4L * s, blocks);
            blocks += KvLayout.blocksFor(batch.position(batch.sequenceEnd(s) - 1) + 1);
        }
        long at = array(BLOCK_TABLE, 4L * blocks);
        for (int s = 0; s < count; s++) {
            int[] table = batch.blockTable(s);
            int used = KvLayout.blocksFor(batch.position(batch.sequenceEnd(s) - 1) + 1);
            for (int i = 0; i < used; i++, at += 4) {
                long offset = cache.block(table[i]).address() - kvBase;
                host.set(JAVA_INT, at, (int) (offset / ADDRESS_UNIT));
            }
        }
    }

    private void rotaries(Batch batch) {
        int count = batch.sequences();
        long scalings = array(ROTARY_SCALING, 4L * count);
        long pointers = array(FREQUENCIES, 8L * count);
        RotaryFrequencies last = null;
        long at = 0;
        for (int s = 0; s < count; s++) {
            RotaryFrequencies rotary = batch.rotary(s);
            if (!rotary.equals(last)) {
                last = rotary;
                at = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
                MemorySegment.copy(rotary.inverse(), 0, host, JAVA_FLOAT, at, rotary.inverse().length);
                end = at + 4L * rotary.inverse().length;
            }
            host.set(JAVA_FLOAT, scalings + 4L * s, rotary.scaling());
            host.set(JAVA_LONG, pointers + 8L * s, device + at);
        }
    }

    /** Writes groups, and the tiles of those that have an adapter. */
    private void groups(RowGroups groups, long counts, long starts, long adapters, long tiles, long tileCounts) {
        int count = groups.count();
        host.set(JAVA_INT, counts, count);
        long start = array(starts, 4L * (count + 1));
        long adapter = array(adapters, 8L * count);
        host.set(JAVA_INT, start, 0);
        for (int g = 0; g < count; g++) {
            host.set(JAVA_INT, start + 4L * (g + 1), groups.end(g));
            host.set(JAVA_LONG, adapter + 8L * g, table(groups.adapter(g)));
        }
        array(tiles, 0);
        host.set(JAVA_INT, tileCounts, tiles(groups, true));
    }

    private static long table(@Nullable AdapterWeights adapter) {
        if (adapter == null) {
            return 0;
        }
        if (adapter.table().address() == 0) {
            throw new IllegalArgumentException("an adapter of the batch was not copied to the device");
        }
        return adapter.table().address();
    }

    /** Appends the tiles of the groups that have an adapter, or of the others; returns their number. */
    private int tiles(RowGroups groups, boolean adapted) {
        int count = 0;
        for (int g = 0; g < groups.count(); g++) {
            if ((groups.adapter(g) != null) != adapted) {
                continue;
            }
            long table = table(groups.adapter(g));
            for (int row = groups.start(g); row < groups.end(g); row += TILE_ROWS) {
                host.set(JAVA_LONG, end, table);
                host.set(JAVA_INT, end + 8, row);
                host.set(JAVA_INT, end + 12, Math.min(TILE_ROWS, groups.end(g) - row));
                end += TILE_BYTES;
                count++;
            }
        }
        return count;
    }
}
