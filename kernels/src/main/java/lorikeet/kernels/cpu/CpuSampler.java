package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import lorikeet.kernels.Batch;
import lorikeet.kernels.InvalidLogitsException;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.Sampling;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Chooses tokens, each row by itself, the rows of a step in parallel. Leaves the logits unchanged. */
final class CpuSampler implements Sampler {
    private final WorkerPool pool;
    private final RowSampler[] workers;

    /** What the rows of the last sampling chose; 0 for those that could not. */
    private int[] chosen = {};

    CpuSampler(WorkerPool pool) {
        this.pool = pool;
        workers = new RowSampler[pool.size()];
        Arrays.setAll(workers, worker -> new RowSampler());
    }

    @Override
    public SamplingState newState(SamplingSettings settings) {
        return new CpuSamplingState(settings);
    }

    @Override
    public Sampling start(Matrix logits, List<? extends SamplingState> states) {
        List<@Nullable SampledToken> tokens = each(states.size(), (row, sampler) -> {
            if (states.get(row) instanceof CpuSamplingState state) {
                return sampler.sample(row(logits, row), logits.cols(), state);
            }
            throw new IllegalArgumentException("state " + row + " was not made by this sampler");
        });
        chosen = new int[tokens.size()];
        for (int row = 0; row < chosen.length; row++) {
            SampledToken token = tokens.get(row);
            if (token != null) {
                chosen[row] = token.id();
                states.get(row).seeOutput(token.id());
            }
        }
        return () -> tokens;
    }

    /** The vocabulary number of a token in a batch. */
    int resolve(int id) {
        return id >= 0 ? id : chosen[Batch.chosen(id)];
    }

    @Override
    public List<SampledToken> score(Matrix logits, int[] tokens, int alternatives) {
        for (int token : tokens) {
            Objects.checkIndex(token, logits.cols());
        }
        return InvalidLogitsException.requireAll(each(
                tokens.length,
                (row, sampler) -> sampler.score(row(logits, row), logits.cols(), tokens[row], alternatives)));
    }

    private static MemorySegment row(Matrix logits, int row) {
        return logits.data().asSlice(row * logits.rowBytes(), logits.rowBytes());
    }

    private List<@Nullable SampledToken> each(int rows, BiFunction<Integer, RowSampler, @Nullable SampledToken> body) {
        @Nullable SampledToken[] found = new SampledToken[rows];
        pool.run(rows, (row, worker) -> found[row] = body.apply(row, workers[worker]));
        return Arrays.asList(found);
    }
}
