package lorikeet.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import lorikeet.kernels.InvalidLogitsException;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Chooses tokens, each row by itself, the rows of a step in parallel. Leaves the logits unchanged. */
final class CpuSampler implements Sampler {
    private final WorkerPool pool;
    private final RowSampler[] workers;

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
    public List<SampledToken> sample(Matrix logits, List<? extends SamplingState> states) {
        List<SampledToken> tokens = each(states.size(), (row, sampler) -> {
            if (states.get(row) instanceof CpuSamplingState state) {
                return sampler.sample(row(logits, row), logits.cols(), state);
            }
            throw new IllegalArgumentException("state " + row + " was not made by this sampler");
        });
        for (int row = 0; row < tokens.size(); row++) {
            states.get(row).seeOutput(tokens.get(row).id());
        }
        return tokens;
    }

    @Override
    public List<SampledToken> score(Matrix logits, int[] tokens, int alternatives) {
        for (int token : tokens) {
            Objects.checkIndex(token, logits.cols());
        }
        return each(
                tokens.length,
                (row, sampler) -> sampler.score(row(logits, row), logits.cols(), tokens[row], alternatives));
    }

    private static MemorySegment row(Matrix logits, int row) {
        return logits.data().asSlice(row * logits.rowBytes(), logits.rowBytes());
    }

    private List<SampledToken> each(int rows, BiFunction<Integer, RowSampler, @Nullable SampledToken> body) {
        @Nullable SampledToken[] found = new SampledToken[rows];
        pool.run(rows, (row, worker) -> found[row] = body.apply(row, workers[worker]));
        List<SampledToken> tokens = new ArrayList<>(rows);
        List<Integer> invalid = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            SampledToken token = found[row];
            if (token == null) {
                invalid.add(row);
            } else {
                tokens.add(token);
            }
        }
        if (!invalid.isEmpty()) {
            throw new InvalidLogitsException(invalid);
        }
        return tokens;
    }
}
