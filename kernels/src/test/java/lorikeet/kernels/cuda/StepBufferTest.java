package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.Delta;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.ElementType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Reads the description of random steps back as the kernels read it. */
class StepBufferTest {
    private static final long DEVICE = 0x7f00_0000_0000L;
    private static final int BLOCK_BYTES = 1024;
    private static final int BLOCKS = 200;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment blocks = arena.allocate((long) BLOCKS * BLOCK_BYTES, 256);
    private final KvCache cache = new KvCache() {
        @Override
        public KvLayout layout() {
            return new KvLayout(1, 1, 16, ElementType.BF16);
        }

        @Override
        public MemorySegment block(int index) {
            return blocks.asSlice((long) index * BLOCK_BYTES, BLOCK_BYTES);
        }
    };
    private MemorySegment step = MemorySegment.NULL;

    private static AdapterWeights adapter(long table) {
        return new AdapterWeights(new @Nullable Delta[0]).withTable(MemorySegment.ofAddress(table));
    }

    private int count(long offset) {
        return step.get(JAVA_INT, offset);
    }

    private long array(long pointer) {
        long address = step.get(JAVA_LONG, pointer) - DEVICE;
        assertThat(address).isBetween(StepBuffer.HEADER_BYTES, step.byteSize());
        return address;
    }

    private int intAt(long pointer, int index) {
        return step.get(JAVA_INT, array(pointer) + 4L * index);
    }

    private long longAt(long pointer, int index) {
        return step.get(JAVA_LONG, array(pointer) + 8L * index);
    }

    @Test
    void randomStepsAreReadBackAsTheyWere() {
        List<@Nullable AdapterWeights> adapters = new ArrayList<>();
        adapters.add(null);
        IntStream.range(1, 6).forEach(i -> adapters.add(adapter(0x1000L * i)));
        List<RotaryFrequencies> rotaries = List.of(
                new RotaryFrequencies(new float[] {1, 0.5f, 0.25f}, 1),
                new RotaryFrequencies(new float[] {2, 3, 4}, 1.5f));
        for (int round = 0; round < 200; round++) {
            Batch batch = new Batch();
            int sequences = random.nextInt(1, 30);
            int adapter = 0;
            for (int s = 0; s < sequences; s++) {
                adapter = random.nextInt(adapter, adapters.size());
                int from = random.nextInt(0, 300);
                int to = from + (random.nextBoolean() ? 1 : random.nextInt(1, 80));
                int[] table = random.ints(KvLayout.blocksFor(to) + random.nextInt(3), 0, BLOCKS)
                        .toArray();
                batch.addSequence(
                        adapters.get(adapter),
                        random.ints(to, 0, 1000).toArray(),
                        from,
                        to,
                        table,
                        rotaries.get(random.nextInt(2)),
                        random.nextInt(0, 2));
            }
            MemorySegment host = arena.allocate(StepBuffer.bytes(batch, cache), 16);
            host.fill((byte) 0x5a);
            long written = new StepBuffer().write(batch, cache, host, DEVICE, blocks.address());
            step = host.asSlice(0, written);
            check(batch);
        }
    }

    private void check(Batch batch) {
        assertThat(count(StepBuffer.TOKENS)).as("seed %d", seed).isEqualTo(batch.tokens());
        assertThat(count(StepBuffer.SEQUENCES)).isEqualTo(batch.sequences());
        assertThat(count(StepBuffer.OUTPUTS)).isEqualTo(batch.outputs());
        assertThat(step.get(JAVA_LONG, StepBuffer.KV_BASE)).isEqualTo(blocks.address());
        for (int s = 0; s < batch.sequences(); s++) {
            checkSequence(batch, s);
        }
        for (int o = 0; o < batch.outputs(); o++) {
            assertThat(intAt(StepBuffer.OUTPUT_ROWS, o)).isEqualTo(batch.outputRow(o));
        }
        int adapted = checkGroups(
                batch.tokenGroups(),
                StepBuffer.GROUPS,
                StepBuffer.GROUP_START,
                StepBuffer.GROUP_ADAPTER,
                StepBuffer.TILE,
                StepBuffer.TILES);
        checkTiles(batch.tokenGroups(), StepBuffer.TILE, adapted, count(StepBuffer.ALL_TILES), false);
        checkGroups(
                batch.outputGroups(),
                StepBuffer.OUTPUT_GROUPS,
                StepBuffer.OUTPUT_GROUP_START,
                StepBuffer.OUTPUT_GROUP_ADAPTER,
                StepBuffer.OUTPUT_TILE,
                StepBuffer.OUTPUT_TILES);
    }

    private void checkSequence(Batch batch, int s) {
        int context = batch.position(batch.sequenceEnd(s) - 1) + 1;
        assertThat(intAt(StepBuffer.SEQUENCE_START, s)).isEqualTo(batch.sequenceStart(s));
        assertThat(intAt(StepBuffer.SEQUENCE_START, s + 1)).isEqualTo(batch.sequenceEnd(s));
        assertThat(intAt(StepBuffer.CONTEXT, s)).isEqualTo(context);
        for (int i = 0; i < KvLayout.blocksFor(context); i++) {
            long unit = Integer.toUnsignedLong(intAt(StepBuffer.BLOCK_TABLE, intAt(StepBuffer.TABLE_START, s) + i));
            assertThat(blocks.address() + unit * StepBuffer.ADDRESS_UNIT)
                    .isEqualTo(cache.block(batch.blockTable(s)[i]).address());
        }
        RotaryFrequencies rotary = batch.rotary(s);
        assertThat(step.get(JAVA_FLOAT, array(StepBuffer.ROTARY_SCALING) + 4L * s))
                .isEqualTo(rotary.scaling());
        long frequencies = longAt(StepBuffer.FREQUENCIES, s) - DEVICE;
        for (int i = 0; i < rotary.inverse().length; i++) {
            assertThat(step.get(JAVA_FLOAT, frequencies + 4L * i)).isEqualTo(rotary.inverse()[i]);
        }
        for (int row = batch.sequenceStart(s); row < batch.sequenceEnd(s); row++) {
            assertThat(intAt(StepBuffer.IDS, row)).isEqualTo(batch.id(row));
            assertThat(intAt(StepBuffer.POSITIONS, row)).isEqualTo(batch.position(row));
            assertThat(intAt(StepBuffer.TOKEN_SEQUENCE, row)).isEqualTo(s);
            int group = intAt(StepBuffer.TOKEN_GROUP, row);
            assertThat(row)
                    .isBetween(
                            batch.tokenGroups().start(group),
                            batch.tokenGroups().end(group) - 1);
        }
    }

    private int checkGroups(RowGroups groups, long counts, long starts, long adapters, long tiles, long tileCounts) {
        assertThat(count(counts)).isEqualTo(groups.count());
        for (int g = 0; g < groups.count(); g++) {
            AdapterWeights weights = groups.adapter(g);
            assertThat(intAt(starts, g)).isEqualTo(groups.start(g));
            assertThat(intAt(starts, g + 1)).isEqualTo(groups.end(g));
            assertThat(longAt(adapters, g))
                    .isEqualTo(weights == null ? 0 : weights.table().address());
        }
        checkTiles(groups, tiles, 0, count(tileCounts), true);
        return count(tileCounts);
    }

    /** The tiles cover the rows of the groups with an adapter, or of the others, each once. */
    private void checkTiles(RowGroups groups, long tiles, int first, int end, boolean adapted) {
        boolean[] covered = new boolean[groups.rows()];
        for (int i = first; i < end; i++) {
            int row = intAt(tiles, 4 * i + 2);
            int rows = intAt(tiles, 4 * i + 3);
            int group = groupOf(groups, row);
            AdapterWeights weights = groups.adapter(group);
            assertThat(rows).isBetween(1, StepBuffer.TILE_ROWS);
            assertThat(weights != null).isEqualTo(adapted);
            assertThat(longAt(tiles, 2 * i))
                    .isEqualTo(weights == null ? 0 : weights.table().address());
            assertThat(rows == StepBuffer.TILE_ROWS || row + rows == groups.end(group))
                    .isTrue();
            for (int r = row; r < row + rows; r++) {
                assertThat(r).isBetween(groups.start(group), groups.end(group) - 1);
                assertThat(covered[r]).isFalse();
                covered[r] = true;
            }
        }
        for (int g = 0; g < groups.count(); g++) {
            for (int r = groups.start(g); r < groups.end(g); r++) {
                assertThat(covered[r]).isEqualTo((groups.adapter(g) != null) == adapted);
            }
        }
    }

    private static int groupOf(RowGroups groups, int row) {
        int group = 0;
        while (row >= groups.end(group)) {
            group++;
        }
        return group;
    }

    @Test
    void anAdapterThatIsNotOnTheDeviceIsRefused() {
        Batch batch = new Batch();
        batch.addSequence(
                new AdapterWeights(new @Nullable Delta[0]),
                new int[] {1},
                0,
                1,
                new int[] {0},
                new RotaryFrequencies(new float[] {1}, 1),
                1);
        MemorySegment host = arena.allocate(StepBuffer.bytes(batch, cache), 16);
        assertThatThrownBy(() -> new StepBuffer().write(batch, cache, host, DEVICE, blocks.address()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not copied to the device");
    }
}
