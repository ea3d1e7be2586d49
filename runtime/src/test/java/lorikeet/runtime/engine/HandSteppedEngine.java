package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.Rope;
import org.jspecify.annotations.Nullable;

/** An engine over a {@link FakeDevice} with a clock that stands still and steps that are taken one by one. */
final class HandSteppedEngine implements AutoCloseable {
    /** A slab of 2 MiB would hold thousands of the fake's small blocks. */
    private static final int BLOCKS_PER_SLAB = 4;

    final FakeDevice device;
    final SlabPool pool;
    final FakeResidency residency;
    final EngineMemory memory;
    final Engine engine;
    long now;

    /** How large everything is. */
    static final class Sizes {
        int slabs = 64;
        int running = 8;
        int stepTokens = 32;
        int batchAdapters = 8;
        int residentAdapters = 8;
        int queue = 100;
        boolean prefixCache = true;
        boolean looksAhead;

        Sizes(boolean looksAhead) {
            this.looksAhead = looksAhead;
        }
    }

    HandSteppedEngine(Sizes sizes) {
        device = new FakeDevice(sizes.looksAhead);
        pool = new SlabPool(BLOCKS_PER_SLAB * FakeDevice.LAYOUT.blockBytes(), sizes.slabs);
        memory = new EngineMemory(FakeDevice.LAYOUT, pool, Integer.MAX_VALUE);
        residency = new FakeResidency(device, pool, sizes.residentAdapters);
        residency.reclaimer(memory.reclaimer());
        EngineLimits limits = new EngineLimits(
                sizes.running,
                sizes.stepTokens,
                sizes.running + 8,
                sizes.batchAdapters,
                sizes.queue,
                sizes.prefixCache);
        Rope rope = new Rope.Fixed("default", new lorikeet.kernels.RotaryFrequencies(new float[2], 1));
        engine = new Engine(limits, device, rope, memory, residency, () -> now);
    }

    /** What became of a request. */
    static class Outcome implements GroupListener {
        final List<List<Integer>> tokens = new ArrayList<>();
        boolean ended;

        @Nullable
        LorikeetException failure;

        int stopAfter = Integer.MAX_VALUE;

        /** Thrown at the first token. */
        @Nullable
        RuntimeException thrown;

        boolean isDone() {
            return ended || failure != null;
        }

        @Override
        public boolean onToken(int choice, SampledToken token) {
            if (isDone()) {
                throw new AssertionError("a token after the end");
            }
            if (thrown != null) {
                throw thrown;
            }
            while (tokens.size() <= choice) {
                tokens.add(new ArrayList<>());
            }
            tokens.get(choice).add(token.id());
            return tokens.get(choice).size() < stopAfter;
        }

        @Override
        public void onEnd() {
            end();
            ended = true;
        }

        @Override
        public void onFailure(LorikeetException reason) {
            end();
            failure = reason;
        }

        private void end() {
            if (isDone()) {
                throw new AssertionError("ended twice");
            }
        }
    }

    /** A request to be submitted, and its outcome. */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    record Submitted(SequenceGroup group, Outcome outcome, long adapter, int[] prompt, int maxTokens) {
        List<Integer> expected() {
            return FakeDevice.expected(adapter, prompt, maxTokens);
        }
    }

    Submitted submit(long adapter, int[] prompt, int maxTokens) {
        return submit(adapter, prompt, settings(1, maxTokens), new Outcome());
    }

    Submitted submit(long adapter, int[] prompt, GroupSettings settings, Outcome outcome) {
        SequenceGroup group =
                new SequenceGroup(prompt, settings, adapter == 0 ? null : new FakeLease(adapter), outcome, now);
        engine.submit(List.of(group), true);
        return new Submitted(group, outcome, adapter, prompt, settings.maxTokens());
    }

    static GroupSettings settings(int choices, int maxTokens) {
        return new GroupSettings(greedy(choices), maxTokens, null, false, 0, 0);
    }

    static List<SamplingSettings> greedy(int choices) {
        return IntStream.range(0, choices)
                .mapToObj(i -> SamplingSettings.GREEDY)
                .toList();
    }

    /** Tokens that begin alike for the same seed, whatever the length. */
    static int[] prompt(long seed, int length) {
        return new java.util.SplittableRandom(seed)
                .ints(length, 1, FakeDevice.VOCABULARY)
                .toArray();
    }

    /** Steps until the tokens of the next {@code count} steps are there: one step more if the device looks ahead. */
    void steps(int count) {
        for (int i = device.looksAhead() ? -1 : 0; i < count; i++) {
            engine.doWork();
        }
    }

    /** Steps until nothing is left to do, at most {@code most} times. */
    void run(int most) {
        for (int i = 0; i < most; i++) {
            if (engine.doWork() == 0
                    && engine.stats().running() == 0
                    && engine.stats().waiting() == 0) {
                return;
            }
        }
        throw new AssertionError("still busy after " + most + " steps: " + engine.stats());
    }

    void run() {
        run(10_000);
    }

    @Override
    public void close() {
        engine.shutDown();
        device.close();
        pool.close();
    }
}
