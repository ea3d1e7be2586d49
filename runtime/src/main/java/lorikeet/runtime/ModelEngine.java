package lorikeet.runtime;

import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Sampler;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.adapter.AdapterResidency;
import lorikeet.runtime.adapter.AdapterSource;
import lorikeet.runtime.adapter.AdapterVersion;
import lorikeet.runtime.adapter.DeviceAdapters;
import lorikeet.runtime.engine.Device;
import lorikeet.runtime.engine.Engine;
import lorikeet.runtime.engine.EngineLimits;
import lorikeet.runtime.engine.EngineMemory;
import lorikeet.runtime.engine.EngineStats;
import lorikeet.runtime.engine.EngineThread;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ForwardPass;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;

/**
 * The engine of an open model with what it runs on: activations, the pool that serves KV blocks and adapters, and the
 * thread. Owns these; the model's weights and operations are somebody else's.
 */
final class ModelEngine implements AutoCloseable {
    /** Rows of logits in a step beyond one for each text, so that prompts are scored in larger pieces. */
    private static final int SCORING_ROWS = 32;

    private final SlabPool pool;
    private final AdapterSource adapterSource;
    private final AdapterResidency residency;
    private final Engine engine;
    private final EngineThread thread;

    ModelEngine(Checkpoint checkpoint, ModelWeights weights, Operations operations, Options options) {
        ModelConfig config = checkpoint.config();
        KvLayout layout = new KvLayout(config.layers(), config.kvHeads(), config.headSize(), operations.kvType());
        long slabBytes = EngineMemory.slabBytes(layout);
        long poolBytes = options.poolBytes().orElseGet(() -> operations.poolBytes(options.memoryFraction()));
        pool = operations.slabPool(slabBytes, Math.clamp(poolBytes / slabBytes, 1, Integer.MAX_VALUE));
        adapterSource = new DeviceAdapters(checkpoint, weights, operations, pool);
        int mostBlocks = Math.max(1, options.cacheTokens() / KvLayout.BLOCK_TOKENS);
        EngineMemory memory = new EngineMemory(layout, pool, mostBlocks);
        EngineLimits limits = new EngineLimits(
                options.running(),
                Math.max(options.stepTokens(), options.running()),
                options.running() + SCORING_ROWS,
                options.batchAdapters(),
                options.queueLength(),
                options.prefixCache());
        ForwardPass pass = new ForwardPass(config, weights, operations, limits.stepTokens(), limits.stepRows());
        residency = new AdapterResidency(operations, pool, memory.reclaimer(), this::steps, this::wakeUp);
        engine = new Engine(
                limits,
                new ModelDevice(checkpoint, operations, pass, looksAhead(operations)),
                config.rope(),
                memory,
                residency,
                System::nanoTime);
        thread = new EngineThread(engine);
    }

    /** A model on the device of its operations. */
    private record ModelDevice(Checkpoint checkpoint, Operations operations, ForwardPass pass, boolean looksAhead)
            implements Device {
        @Override
        public Matrix run(Batch batch, KvCache cache) {
            return pass.run(batch, cache);
        }

        @Override
        public Sampler sampler() {
            return operations.sampler();
        }

        @Override
        public void await() {
            operations.await();
        }

        @Override
        public void read(Matrix logits, int row, float[] to) {
            operations.read(logits, row, to);
        }

        @Override
        public void checkFiles() {
            checkpoint.checkIntact();
        }
    }

    /** Pays where the device works by itself; elsewhere it is for tests. */
    private static boolean looksAhead(Operations operations) {
        String property = System.getProperty("lorikeet.lookahead");
        return property == null ? operations.isAsynchronous() : Boolean.parseBoolean(property);
    }

    private long steps() {
        return engine.stats().steps();
    }

    private void wakeUp() {
        engine.wakeUp();
    }

    Engine engine() {
        return engine;
    }

    /** Reads adapters for this engine. Any thread. */
    AdapterSource adapterSource() {
        return adapterSource;
    }

    /** Gives up what there is of an adapter that is gone, and closes it. Returns at once. Any thread. */
    void retire(AdapterVersion version) {
        engine.forget(version.id());
        residency.retire(version);
    }

    Stats stats() {
        EngineStats now = engine.stats();
        long slabs = pool.capacity();
        return new Stats(
                now.running(),
                now.waiting(),
                now.steps(),
                now.promptTokens(),
                now.cachedTokens(),
                now.generatedTokens(),
                now.answered(),
                now.failed(),
                now.preemptions(),
                now.blocks(),
                now.usedBlocks(),
                now.cachedBlocks(),
                slabs * pool.slabBytes(),
                (slabs - pool.available()) * pool.slabBytes());
    }

    /** Whether the caller runs on the engine's thread, and so must not wait for it. */
    boolean isCurrentThread() {
        return thread.isCurrent();
    }

    /** Ends all requests and the thread, and frees the memory. */
    @Override
    public void close() {
        try (pool;
                residency) {
            thread.close();
        }
    }
}
