package lorikeet.runtime.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A model that is quick to compute and sees every mistake with KV blocks: a token's key is made of the token and its
 * adapter, it is written to the token's block, and the next token is a hash of all keys as the blocks have them.
 */
final class FakeDevice implements Device, AutoCloseable {
    static final int VOCABULARY = 97;
    static final KvLayout LAYOUT = new KvLayout(1, 1, 4, ElementType.F32);

    private static final int MAX_ROWS = 128;

    private final Arena arena = Arena.ofShared();
    private final CpuOperations operations = new CpuOperations(1);
    private final Matrix logits =
            new Matrix(arena.allocate(4L * MAX_ROWS * VOCABULARY, 64), ElementType.F32, MAX_ROWS, VOCABULARY);
    private final Map<AdapterWeights, Long> ids = new HashMap<>();
    private final List<Step> steps = new ArrayList<>();

    /** Makes the step with this number fail. */
    long failingStep = -1;

    /** What it then throws. */
    RuntimeException failure = new IllegalStateException("the device failed");

    /** Gives rows without numbers to texts whose last token is this. */
    int poison = -1;

    /** What checkFiles throws. */
    @Nullable
    RuntimeException brokenFile;

    /**
     * What a step was made of.
     *
     * @param adapters the ids in it, 0 for the base model
     */
    record Step(int tokens, int outputs, Set<Long> adapters) {}

    /** The weights by which the device knows this adapter. */
    AdapterWeights weights(long id) {
        AdapterWeights made = new AdapterWeights(new lorikeet.kernels.@Nullable Delta[0]);
        ids.put(made, id);
        return made;
    }

    List<Step> steps() {
        return steps;
    }

    /** What a text should be continued by. */
    static List<Integer> expected(long adapter, int[] prompt, int count) {
        List<Integer> chosen = new ArrayList<>();
        int hash = 1;
        for (int token : prompt) {
            hash = next(hash, key(token, adapter));
        }
        for (int i = 0; i < count; i++) {
            int token = choice(hash);
            chosen.add(token);
            hash = next(hash, key(token, adapter));
        }
        return chosen;
    }

    private static int key(int token, long adapter) {
        return token * 1_000_003 + Long.hashCode(adapter * 7919);
    }

    private static int next(int hash, int key) {
        return (hash ^ key) * 16_777_619 + 12_345;
    }

    private static int choice(int hash) {
        return Math.floorMod(hash ^ (hash >>> 15), VOCABULARY);
    }

    @Override
    public Matrix run(Batch batch, KvCache cache) {
        Set<Long> adapters = new HashSet<>();
        for (int group = 0; group < batch.tokenGroups().count(); group++) {
            adapters.add(id(batch.tokenGroups().adapter(group)));
        }
        steps.add(new Step(batch.tokens(), batch.outputs(), adapters));
        if (steps.size() - 1 == failingStep) {
            throw failure;
        }
        int group = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            for (int row = batch.sequenceStart(s); row < batch.sequenceEnd(s); row++) {
                while (row >= batch.tokenGroups().end(group)) {
                    group++;
                }
                long adapter = id(batch.tokenGroups().adapter(group));
                slot(batch, cache, s, batch.position(row)).set(ValueLayout.JAVA_INT, 0, key(batch.id(row), adapter));
            }
        }
        logits.data().fill((byte) 0);
        int output = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            while (output < batch.outputs() && batch.outputRow(output) < batch.sequenceEnd(s)) {
                choose(batch, cache, s, output++);
            }
        }
        return logits;
    }

    private void choose(Batch batch, KvCache cache, int sequence, int output) {
        int row = batch.outputRow(output);
        int hash = 1;
        for (int position = 0; position <= batch.position(row); position++) {
            hash = next(hash, slot(batch, cache, sequence, position).get(ValueLayout.JAVA_INT, 0));
        }
        float value = batch.id(row) == poison ? Float.NaN : 5;
        logits.data().setAtIndex(ValueLayout.JAVA_FLOAT, (long) output * VOCABULARY + choice(hash), value);
    }

    private static MemorySegment slot(Batch batch, KvCache cache, int sequence, int position) {
        int block = batch.blockTable(sequence)[position / KvLayout.BLOCK_TOKENS];
        return cache.block(block).asSlice(4L * (position % KvLayout.BLOCK_TOKENS), 4);
    }

    private long id(@Nullable AdapterWeights weights) {
        return weights == null ? 0 : ids.getOrDefault(weights, -1L);
    }

    @Override
    public Sampler sampler() {
        return operations.sampler();
    }

    @Override
    public void read(Matrix matrix, int row, float[] to) {
        operations.read(matrix, row, to);
    }

    @Override
    public void checkFiles() {
        if (brokenFile != null) {
            throw brokenFile;
        }
    }

    @Override
    public void close() {
        operations.close();
        arena.close();
    }
}
