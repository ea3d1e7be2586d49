package lorikeet.jmh.device;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.ElementType;
import lorikeet.memory.SlabLease;
import lorikeet.memory.SlabPlan;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Decode steps of {@value #REQUESTS} requests over {@value #ADAPTERS} adapters, while others are swapped in beside them. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class SwapUnderLoad {
    private static final int REQUESTS = 32;
    private static final int ADAPTERS = 8;
    private static final int RANK = 16;
    private static final long SECOND = 1_000_000_000;

    /** Where to compute. */
    @Param("cpu")
    String device = "cpu";

    /** The model. */
    @Param("SMALL")
    ModelShape shape = ModelShape.SMALL;

    /** Adapters that are swapped in each second. */
    @Param({"0", "50"})
    int swaps;

    /** The type of their files: F32, as PEFT saves them, or BF16. */
    @Param("F32")
    ElementType type = ElementType.F32;

    private final Batch batch = new Batch();
    private final List<SamplingState> states = new ArrayList<>();
    private @Nullable RandomDecoder opened;
    private @Nullable ReadyAdapter ready;
    private @Nullable Thread swapper;
    private long swapNanos;
    private int swapped;

    /** Makes the model and starts the swaps. */
    @Setup
    public void open() throws IOException {
        Load load = new Load(REQUESTS, ADAPTERS + 1);
        RandomDecoder decoder =
                new RandomDecoder(device, false, shape, Decode.CONTEXT, REQUESTS, Decode.slabs(shape, load, RANK));
        opened = decoder;
        List<AdapterWeights> adapters = decoder.adapters(ADAPTERS, RANK);
        SplittableRandom random = new SplittableRandom(5);
        List<int[]> tokens = new ArrayList<>();
        List<int[]> blocks = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            tokens.add(random.ints(Decode.CONTEXT + 1, 0, ModelShape.VOCABULARY).toArray());
            blocks.add(decoder.blocks(Decode.CONTEXT + 1));
            states.add(decoder.operations().sampler().newState(SamplingSettings.GREEDY));
            batch.clear();
            decoder.add(batch, null, tokens.get(i), 0, Decode.CONTEXT, blocks.get(i), 1);
            decoder.logits(decoder.run(batch), 0);
        }
        batch.clear();
        for (int i = 0; i < REQUESTS; i++) {
            AdapterWeights adapter = adapters.get(i * ADAPTERS / REQUESTS);
            decoder.add(batch, adapter, tokens.get(i), Decode.CONTEXT, Decode.CONTEXT + 1, blocks.get(i), 1);
        }
        if (swaps > 0) {
            ready = new ReadyAdapter(
                    shape,
                    RANK,
                    type,
                    decoder.weights(),
                    decoder.operations(),
                    decoder.pool().slabBytes());
            AdapterWeights weights = ready.loaded().weights();
            SlabPlan plan = ready.loaded().plan();
            swapper = Thread.ofPlatform().name("swapper").start(() -> swap(decoder, weights, plan));
        }
    }

    /** Swaps adapters in, at a steady pace, until it is interrupted. */
    private void swap(RandomDecoder decoder, AdapterWeights weights, SlabPlan plan) {
        long next = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            long start = System.nanoTime();
            try (SlabLease lease = decoder.pool().lease(plan).orElseThrow()) {
                decoder.operations().copyIn(weights, plan, lease.memory());
            }
            swapNanos += System.nanoTime() - start;
            swapped++;
            next += SECOND / swaps;
            LockSupport.parkNanos(next - System.nanoTime());
        }
    }

    private RandomDecoder decoder() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** A step and its tokens: the gap between the tokens of a request. */
    @Benchmark
    public List<SampledToken> step() {
        return decoder().operations().sampler().sample(decoder().run(batch), states);
    }

    /** Gives everything back, once it is sure that adapters were swapped in. */
    @TearDown
    public void close() throws InterruptedException {
        Thread running = swapper;
        if (running != null) {
            running.interrupt();
            running.join();
        }
        if (ready != null) {
            ready.close();
        }
        decoder().close();
        if (swaps > 0) {
            if (swapped == 0) {
                throw new IllegalStateException("no adapter was swapped in");
            }
            System.out.printf("%d swaps, of %.2f ms each%n", swapped, swapNanos / 1e6 / swapped);
        }
    }
}
