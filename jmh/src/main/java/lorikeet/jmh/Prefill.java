package lorikeet.jmh;

import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lorikeet.kernels.Batch;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A prompt of {@value #TOKENS} tokens through {@link RandomModel#LARGE} in one step, with the logits of the last. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class Prefill {
    /** Tokens of the prompt. */
    public static final int TOKENS = 512;

    private static final int PIECE = 100;

    private final Batch batch = new Batch();
    private @Nullable OpenModel opened;

    /** Multiply-adds of one prompt. */
    public static long multiplyAdds() {
        RandomModel model = RandomModel.LARGE;
        return TOKENS * model.multiplyAdds() + model.attentionMultiplyAdds(TOKENS) + model.headMultiplyAdds();
    }

    /** Opens the model and checks that the prompt gives the same logits when it is cut into pieces. */
    @Setup
    public void open() throws IOException {
        OpenModel model = new OpenModel(RandomModel.LARGE, 1, TOKENS, TOKENS);
        opened = model;
        int[] prompt = new SplittableRandom(2)
                .ints(TOKENS, 0, model.model().vocabulary())
                .toArray();
        float[] pieces = {};
        for (int from = 0; from < TOKENS; from += PIECE) {
            int to = Math.min(TOKENS, from + PIECE);
            batch.clear();
            model.add(batch, null, 0, prompt, from, to, 1);
            pieces = model.logits(model.run(batch), 0);
        }
        batch.clear();
        model.add(batch, null, 0, prompt, 0, TOKENS, 1);
        if (!Arrays.equals(pieces, model.logits(model.run(batch), 0))) {
            throw new IllegalStateException("the prompt gives other logits in pieces");
        }
    }

    private OpenModel model() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** The prompt. */
    @Benchmark
    public Matrix prompt() {
        return model().run(batch);
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        model().close();
    }
}
