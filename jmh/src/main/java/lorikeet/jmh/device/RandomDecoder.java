package lorikeet.jmh.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.bindings.StreamTimer;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Registration;
import lorikeet.kernels.cuda.CudaOperations;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Devices;
import lorikeet.runtime.engine.EngineMemory;
import lorikeet.runtime.model.ForwardPass;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;
import org.jspecify.annotations.Nullable;

/** A model of random weights on a device, ready for steps, with adapters in slabs beside its cache. */
final class RandomDecoder implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final ModelConfig config;
    private final Operations operations;
    private final Noise noise;
    private final RandomWeights random;
    private final ModelWeights weights;
    private final SlabPool pool;
    private final KvCache cache;
    private final ForwardPass pass;
    private final @Nullable StreamTimer timer;
    private final Registration registration;

    /**
     * Makes it.
     *
     * @param device as {@link DeviceChoice#parse} takes it
     * @param batchInvariant whether results must not depend on the batch
     * @param maxTokens most tokens of a step
     * @param maxOutputs most wanted rows of a step
     * @param slabs most slabs of cache and adapters
     */
    RandomDecoder(String device, boolean batchInvariant, ModelShape shape, int maxTokens, int maxOutputs, int slabs) {
        config = shape.config();
        noise = new Noise(arena, (long) ModelShape.VOCABULARY * shape.hidden());
        operations = Devices.open(
                        DeviceChoice.parse(device), Runtime.getRuntime().availableProcessors(), batchInvariant)
                .operations();
        registration = operations.register(noise.all());
        registration.await();
        random = new RandomWeights(shape, noise);
        weights = random.model(operations::place);
        pass = new ForwardPass(config, weights, operations, maxTokens, maxOutputs);
        KvLayout layout = new KvLayout(config.layers(), config.kvHeads(), config.headSize(), operations.kvType());
        pool = operations.slabPool(EngineMemory.slabBytes(layout), slabs);
        cache = new Slabs(layout, pool);
        timer = operations instanceof CudaOperations cuda ? cuda.timer() : null;
    }

    private record Slabs(KvLayout layout, SlabPool pool) implements KvCache {
        @Override
        public MemorySegment block(int index) {
            return pool.memory(index);
        }
    }

    Operations operations() {
        return operations;
    }

    SlabPool pool() {
        return pool;
    }

    /** The device's stopwatch; null where the wall clock is the only one. */
    @Nullable
    StreamTimer timer() {
        return timer;
    }

    /** The model. */
    ModelWeights weights() {
        return weights;
    }

    /** Adapters in slabs, which they keep. */
    List<AdapterWeights> adapters(int count, int rank) {
        List<AdapterWeights> adapters = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            AdapterWeights host = random.adapter(rank);
            SlabPlan plan = operations.plan(host, pool.slabBytes());
            adapters.add(
                    operations.copyIn(host, plan, pool.lease(plan).orElseThrow().memory()));
        }
        return adapters;
    }

    /** Cache blocks for a sequence of so many tokens. */
    int[] blocks(int tokens) {
        int[] table = new int[KvLayout.blocksFor(tokens)];
        for (int i = 0; i < table.length; i++) {
            table[i] = pool.acquire();
            if (table[i] == SlabPool.NONE) {
                throw new IllegalStateException("the device has no memory for the cache");
            }
        }
        return table;
    }

    /** Adds tokens {@code from} to {@code to} of a sequence to a batch. */
    void add(Batch batch, @Nullable AdapterWeights adapter, int[] tokens, int from, int to, int[] blocks, int outputs) {
        batch.addSequence(adapter, tokens, from, to, blocks, config.rope().frequencies(to), outputs);
    }

    /** How the blocks of its cache are laid out. */
    KvLayout layout() {
        return cache.layout();
    }

    /** Puts a step to the device; the logits are overwritten by the next. */
    Matrix run(Batch batch) {
        return run(batch, cache);
    }

    /** The same, with somebody else's cache in the slabs of the pool. */
    Matrix run(Batch batch, KvCache blocks) {
        return pass.run(batch, blocks);
    }

    /** Waits for a row of logits. */
    float[] logits(Matrix logits, int row) {
        float[] values = new float[logits.cols()];
        operations.read(logits, row, values);
        return values;
    }

    /** The distance of two rows over the norm of the second. */
    static double distance(float[] found, float[] expected) {
        double distance = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = (double) found[i] - expected[i];
            distance += difference * difference;
            norm += (double) expected[i] * expected[i];
        }
        return Math.sqrt(distance / norm);
    }

    @Override
    public void close() {
        if (timer != null) {
            timer.close();
        }
        registration.close();
        pool.close();
        operations.close();
        arena.close();
    }
}
