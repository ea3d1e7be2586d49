package lorikeet.jmh.device;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lorikeet.bindings.StreamTimer;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Decode steps: the next token of requests that each have {@value #CONTEXT} tokens. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class Decode {
    /** Tokens that each request already has. */
    static final int CONTEXT = 512;

    private static final int FORWARDS = 4;
    private static final int MOST_TOKENS = 4096;
    private static final int MOST_OUTPUTS = 256;

    /** Alone or among others, in bf16, a request's logits may differ by this part of their norm. */
    private static final double SAME = 0.1;

    private static final double DIFFERENT = 0.5;

    /** Where to compute. */
    @Param("cpu")
    String device = "cpu";

    /** The model. */
    @Param("SMALL")
    ModelShape shape = ModelShape.SMALL;

    /** Requests, and the adapters that they are for, see {@link Load}. */
    @Param({"1/0", "8/0", "8/8"})
    String load = "1/0";

    /** How they are shared out. */
    @Param("UNIFORM")
    Mix mix = Mix.UNIFORM;

    /** The adapters' rank, on all seven projections. */
    @Param("16")
    int rank = 16;

    /** Whether results must not depend on the batch. */
    @Param("false")
    boolean batchInvariant;

    private final Batch batch = new Batch();
    private final List<SamplingState> states = new ArrayList<>();
    private final List<@Nullable AdapterWeights> adapters = new ArrayList<>();
    private int[][] tokens = {};
    private int[][] blocks = {};
    private @Nullable RandomDecoder opened;

    /** Makes the model, fills the cache, and checks that requests get what they get alone. */
    @Setup
    public void open() {
        Load parsed = Load.parse(load);
        int slabs = slabs(shape, parsed, rank);
        RandomDecoder decoder = new RandomDecoder(device, batchInvariant, shape, MOST_TOKENS, MOST_OUTPUTS, slabs);
        opened = decoder;
        List<AdapterWeights> resident = decoder.adapters(parsed.adapters(), rank);
        SplittableRandom random = new SplittableRandom(3);
        int requests = parsed.rows();
        tokens = new int[requests][];
        blocks = new int[requests][];
        int[] chosen = parsed.adapterOfRow(mix);
        for (int i = 0; i < requests; i++) {
            tokens[i] = random.ints(CONTEXT + 1, 0, ModelShape.VOCABULARY).toArray();
            blocks[i] = decoder.blocks(CONTEXT + 1);
            adapters.add(chosen[i] < 0 ? null : resident.get(chosen[i]));
            states.add(decoder.operations().sampler().newState(SamplingSettings.GREEDY));
        }
        fillCache(decoder);
        check(decoder);
        all(decoder);
    }

    static int slabs(ModelShape shape, Load load, int rank) {
        long slab = 2L << 20;
        long blockBytes = Math.max(slab, shape.cachedNumbers() * 16 * Float.BYTES);
        long adapterSlabs = shape.adapterWeights(rank) * Float.BYTES / blockBytes + 64;
        return Math.toIntExact(load.rows() * (CONTEXT / 16 + 1L) + load.adapters() * adapterSlabs + 256);
    }

    private void fillCache(RandomDecoder decoder) {
        int together = MOST_TOKENS / CONTEXT;
        for (int first = 0; first < tokens.length; first += together) {
            batch.clear();
            int end = Math.min(tokens.length, first + together);
            for (int i = first; i < end; i++) {
                decoder.add(batch, adapters.get(i), tokens[i], 0, CONTEXT, blocks[i], 1);
            }
            decoder.logits(decoder.run(batch), 0);
        }
    }

    private void all(RandomDecoder decoder) {
        batch.clear();
        for (int i = 0; i < tokens.length; i++) {
            add(decoder, i);
        }
    }

    private void add(RandomDecoder decoder, int i) {
        decoder.add(batch, adapters.get(i), tokens[i], CONTEXT, CONTEXT + 1, blocks[i], 1);
    }

    private void check(RandomDecoder decoder) {
        float[][] together = new float[tokens.length][];
        // The third is the first that may be replayed from a recording.
        for (int round = 0; round < 3; round++) {
            all(decoder);
            Matrix logits = decoder.run(batch);
            for (int i = 0; i < tokens.length; i++) {
                together[i] = decoder.logits(logits, i);
            }
        }
        int last = tokens.length - 1;
        for (int i = 0; i <= last; i += Math.max(1, last)) {
            batch.clear();
            add(decoder, i);
            float[] alone = decoder.logits(decoder.run(batch), 0);
            double distance = RandomDecoder.distance(together[i], alone);
            if (!(distance < SAME)) {
                throw new IllegalStateException("alone, the logits of request " + i + " are off by " + distance);
            }
            double other = RandomDecoder.distance(together[last - i], alone);
            if (last > 0 && !(other > DIFFERENT)) {
                throw new IllegalStateException("two requests' logits are only " + other + " apart");
            }
        }
    }

    private RandomDecoder decoder() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** A step and its tokens, as the engine runs it. By the device's clock: without the choice of tokens. */
    @Benchmark
    public List<SampledToken> step(DeviceTime time) {
        RandomDecoder decoder = decoder();
        StreamTimer timer = decoder.timer();
        if (timer != null) {
            timer.start();
        }
        Matrix logits = decoder.run(batch);
        if (timer != null) {
            timer.stop();
        }
        List<SampledToken> chosen = decoder.operations().sampler().sample(logits, states);
        time.add(timer, 1);
        return chosen;
    }

    /** Steps one behind the other, without their tokens: what the device itself takes. */
    @Benchmark
    @OperationsPerInvocation(FORWARDS)
    public Matrix forward(DeviceTime time) {
        RandomDecoder decoder = decoder();
        StreamTimer timer = decoder.timer();
        Matrix logits = decoder.run(batch);
        if (timer == null) {
            for (int i = 1; i < FORWARDS; i++) {
                logits = decoder.run(batch);
            }
            return logits;
        }
        // The clock starts behind a step, so that the device never waits for the next.
        timer.start();
        for (int i = 1; i < FORWARDS; i++) {
            logits = decoder.run(batch);
        }
        timer.stop();
        time.add(timer, FORWARDS - 1);
        return logits;
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        decoder().close();
    }
}
