package lorikeet.jmh;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lorikeet.kernels.Operations;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Choosing the tokens of a step of {@value #ROWS} requests from a vocabulary of {@value #VOCABULARY}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class SamplerStep {
    private static final int ROWS = 8;
    private static final int VOCABULARY = 128_256;

    private final Operations operations = new CpuOperations(Runtime.getRuntime().availableProcessors());
    private final Matrix logits = operations.allocate(ElementType.F32, ROWS, VOCABULARY);
    private final List<SamplingState> greedy = states(SamplingSettings.GREEDY);
    private final List<SamplingState> drawn =
            states(SamplingSettings.GREEDY.withTemperature(0.8f).withTopP(0.95f));

    private List<SamplingState> states(SamplingSettings settings) {
        return Stream.generate(() -> operations.sampler().newState(settings))
                .limit(ROWS)
                .toList();
    }

    /** Makes random logits and compares the greedy choice with a plain search. */
    @Setup
    public void fill() {
        SplittableRandom random = new SplittableRandom(4);
        for (long i = 0; i < (long) ROWS * VOCABULARY; i++) {
            logits.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian(0, 3));
        }
        List<SampledToken> chosen = greedy();
        for (int row = 0; row < ROWS; row++) {
            int best = 0;
            for (int token = 1; token < VOCABULARY; token++) {
                best = logit(row, token) > logit(row, best) ? token : best;
            }
            if (chosen.get(row).id() != best) {
                throw new IllegalStateException(chosen.get(row).id() + " was chosen instead of " + best);
            }
        }
    }

    private float logit(int row, int token) {
        return logits.data().getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * VOCABULARY + token);
    }

    /** The most likely tokens. */
    @Benchmark
    public List<SampledToken> greedy() {
        return operations.sampler().sample(logits, greedy);
    }

    /** Tokens drawn at a temperature from the most likely ones. */
    @Benchmark
    public List<SampledToken> topP() {
        return operations.sampler().sample(logits, drawn);
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        operations.close();
    }
}
