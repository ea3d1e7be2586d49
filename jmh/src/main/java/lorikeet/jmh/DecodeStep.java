package lorikeet.jmh;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One decode step of {@link RandomModel#LARGE}: the next token of some requests, chosen greedily. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class DecodeStep {
    /** Tokens that each request already has. */
    private static final int POSITION = 64;

    /** Requests in the batch. */
    @Param({"1", "8"})
    int requests = 1;

    /** Different adapters, shared out evenly over the requests; 0 for the base model alone. */
    @Param({"0", "1", "8"})
    int adapters;

    /** The adapters' rank, on all seven projections. */
    @Param("16")
    int rank = 16;

    private final Batch batch = new Batch();
    private final List<SamplingState> states = new ArrayList<>();
    private final List<@Nullable AdapterWeights> weights = new ArrayList<>();
    private int[][] tokens = {};
    private @Nullable OpenModel opened;

    /** Opens the model, fills the cache, and checks that every request gets what it gets alone. */
    @Setup
    public void open() throws IOException {
        OpenModel model = new OpenModel(RandomModel.LARGE, requests, POSITION + 1, requests * POSITION);
        opened = model;
        List<AdapterWeights> loaded = new ArrayList<>();
        for (int i = 0; i < adapters; i++) {
            loaded.add(model.adapter(rank, i));
        }
        SplittableRandom random = new SplittableRandom(3);
        tokens = new int[requests][];
        for (int i = 0; i < requests; i++) {
            tokens[i] = random.ints(POSITION + 1, 0, model.model().vocabulary()).toArray();
            // Requests of one adapter stand together.
            weights.add(loaded.isEmpty() ? null : loaded.get(i * loaded.size() / requests));
            states.add(model.operations().sampler().newState(SamplingSettings.GREEDY));
        }
        fill(0, POSITION, 0);
        model.run(batch);
        check(model);
        fill(POSITION, POSITION + 1, 1);
    }

    private void fill(int from, int to, int outputs) {
        batch.clear();
        for (int i = 0; i < requests; i++) {
            model().add(batch, weights.get(i), i, tokens[i], from, to, outputs);
        }
    }

    private void check(OpenModel model) {
        fill(POSITION, POSITION + 1, 1);
        Matrix logits = model.run(batch);
        float[][] together = new float[requests][];
        for (int i = 0; i < requests; i++) {
            together[i] = model.logits(logits, i);
        }
        for (int i = 0; i < requests; i++) {
            batch.clear();
            model.add(batch, weights.get(i), i, tokens[i], POSITION, POSITION + 1, 1);
            float[] alone = model.logits(model.run(batch), 0);
            if (!Arrays.equals(together[i], alone)) {
                throw new IllegalStateException("request " + i + " has other logits alone");
            }
            for (int j = 0; j < i; j++) {
                if (Arrays.equals(alone, together[j])) {
                    throw new IllegalStateException("requests " + j + " and " + i + " have the same logits");
                }
            }
        }
    }

    private OpenModel model() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** The step. */
    @Benchmark
    public List<SampledToken> step() {
        OpenModel model = model();
        return model.operations().sampler().sample(model.run(batch), states);
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        model().close();
    }
}
