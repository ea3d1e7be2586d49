package lorikeet.runtime.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.Sampling;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
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
    private final Deque<FakeStep> launched = new ArrayDeque<>();
    private final Sampler sampler = new LateSampler();
    private final boolean looksAhead;

    /** What the last sampling chose. */
    private int[] chosen = {};

    /** Makes the step with this number fail. */
    long failingStep = -1;

    /** Makes the launch of the step with this number fail. */
    long refusedStep = -1;

    /** What they then throw. */
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

    /**
     * A device without steps.
     *
     * @param looksAhead whether a step is computed only when somebody waits for its results, as a GPU might do it
     */
    FakeDevice(boolean looksAhead) {
        this.looksAhead = looksAhead;
    }

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
            hash = next(hash, keyOf(token, adapter));
        }
        for (int i = 0; i < count; i++) {
            int token = choice(hash);
            chosen.add(token);
            hash = next(hash, keyOf(token, adapter));
        }
        return chosen;
    }

    private static int keyOf(int token, long adapter) {
        return token * 1_000_003 + Long.hashCode(adapter * 7919);
    }

    private static int next(int hash, int key) {
        return (hash ^ key) * 16_777_619 + 12_345;
    }

    private static int choice(int hash) {
        return Math.floorMod(hash ^ (hash >>> 15), VOCABULARY);
    }

    @Override
    public boolean looksAhead() {
        return looksAhead;
    }

    @Override
    public Matrix run(Batch batch, KvCache cache) {
        Set<Long> adapters = new HashSet<>();
        for (int group = 0; group < batch.tokenGroups().count(); group++) {
            adapters.add(id(batch.tokenGroups().adapter(group)));
        }
        steps.add(new Step(batch.tokens(), batch.outputs(), adapters));
        if (steps.size() - 1 == refusedStep) {
            throw failure;
        }
        launched.add(new FakeStep(batch, cache, this::id, steps.size() - 1));
        if (!looksAhead) {
            computeLaunched();
        }
        return logits;
    }

    /** Computes what was launched, as late as a device may. */
    private void computeLaunched() {
        while (!launched.isEmpty()) {
            compute(launched.remove());
        }
    }

    private void compute(FakeStep step) {
        if (step.number() == failingStep) {
            throw failure;
        }
        step.store(this::key);
        logits.data().fill((byte) 0);
        for (int output = 0; output < step.outputs(); output++) {
            int hash = 1;
            for (int key : step.keys(output)) {
                hash = next(hash, key);
            }
            float value = token(step.lastId(output)) == poison ? Float.NaN : 5;
            logits.data().setAtIndex(ValueLayout.JAVA_FLOAT, (long) output * VOCABULARY + choice(hash), value);
        }
    }

    private int token(int id) {
        if (id >= 0) {
            return id;
        }
        int row = Batch.chosen(id);
        // After a step that failed there are no tokens for those that were in it.
        return row < chosen.length ? chosen[row] : 0;
    }

    private int key(int id, long adapter) {
        return keyOf(token(id), adapter);
    }

    private long id(@Nullable AdapterWeights weights) {
        return weights == null ? 0 : ids.getOrDefault(weights, -1L);
    }

    @Override
    public Sampler sampler() {
        return sampler;
    }

    /** Chooses as the CPU does, from a step that is computed only when somebody waits for it. */
    private final class LateSampler implements Sampler {
        @Override
        public SamplingState newState(SamplingSettings settings) {
            return operations.sampler().newState(settings);
        }

        @Override
        public Sampling start(Matrix rows, List<? extends SamplingState> states) {
            List<SamplingState> all = List.copyOf(states);
            FakeStep step = launched.peekLast();
            return () -> {
                if (step != null && launched.remove(step)) {
                    compute(step);
                }
                List<@Nullable SampledToken> tokens =
                        operations.sampler().start(rows, all).await();
                chosen = tokens.stream()
                        .mapToInt(token -> token == null ? 0 : token.id())
                        .toArray();
                return tokens;
            };
        }

        @Override
        public List<SampledToken> score(Matrix rows, int[] tokens, int alternatives) {
            computeLaunched();
            return operations.sampler().score(rows, tokens, alternatives);
        }
    }

    @Override
    public void await() {
        computeLaunched();
    }

    @Override
    public void read(Matrix matrix, int row, float[] to) {
        computeLaunched();
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
