package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/**
 * Chooses tokens on the device, so that no more than they come back. What the kernels don't do (very many alternatives, a
 * vocabulary of more than 262,144 tokens) is left to another sampler, to which the logits are copied.
 */
final class CudaSampler implements Sampler, AutoCloseable {
    private final CudaStream stream;
    private final Sampler host;
    private final SamplerLaunches launches;
    private final GrowingPinned copied;

    /** In turn, so that one can be put into the stream before the other was waited for. */
    private final Sampling[] samplings;

    private int next;

    CudaSampler(CudaContext context, Kernels kernels, CudaStream stream, Sampler host) {
        this.stream = stream;
        this.host = host;
        launches = new SamplerLaunches(context, kernels, stream);
        copied = new GrowingPinned(context);
        samplings = new Sampling[] {new Sampling(context), new Sampling(context)};
    }

    @Override
    public SamplingState newState(SamplingSettings settings) {
        return new CudaSamplingState(host.newState(settings));
    }

    @Override
    public List<SampledToken> sample(Matrix logits, List<? extends SamplingState> states) {
        List<CudaSamplingState> own = new ArrayList<>(states.size());
        boolean onDevice = SamplerLaunches.takes(logits.cols());
        for (SamplingState state : states) {
            if (!(state instanceof CudaSamplingState mine)) {
                throw new IllegalArgumentException("a state that was not made by this sampler");
            }
            own.add(mine);
            onDevice &= mine.settings().logProbs() <= Sampling.MOST_ALTERNATIVES;
        }
        if (!onDevice) {
            return sampleOnHost(logits, own);
        }
        List<SampledToken> tokens = launch(logits, own).await();
        for (int row = 0; row < own.size(); row++) {
            own.get(row).seeOutput(tokens.get(row).id());
        }
        return tokens;
    }

    private Sampling launch(Matrix logits, List<CudaSamplingState> states) {
        Sampling sampling = begin(states.size());
        for (int row = 0; row < states.size(); row++) {
            CudaSamplingState state = states.get(row);
            sampling.row(row, state.settings(), state.outputs(), -1);
        }
        launches.penalise(sampling, logits.cols(), states);
        int biased = launches.bias(sampling, logits, states);
        launches.choose(sampling, logits);
        launches.unbias(sampling, biased);
        sampling.launched(stream);
        return sampling;
    }

    private Sampling begin(int rows) {
        Sampling sampling = samplings[next];
        next = 1 - next;
        sampling.begin(rows);
        return sampling;
    }

    private List<SampledToken> sampleOnHost(Matrix logits, List<CudaSamplingState> states) {
        List<SamplingState> others =
                states.stream().map(CudaSamplingState::host).toList();
        List<SampledToken> tokens = host.sample(copy(logits, states.size()), others);
        for (int row = 0; row < tokens.size(); row++) {
            states.get(row).noteOutput(tokens.get(row).id());
        }
        return tokens;
    }

    @Override
    public List<SampledToken> score(Matrix logits, int[] tokens, int alternatives) {
        for (int token : tokens) {
            Objects.checkIndex(token, logits.cols());
        }
        if (alternatives > Sampling.MOST_ALTERNATIVES || !SamplerLaunches.takes(logits.cols())) {
            return host.score(copy(logits, tokens.length), tokens, alternatives);
        }
        SamplingSettings settings = new SamplingSettings(0, 0, 1, 0, 1, 0, 0, 0, alternatives);
        Sampling sampling = begin(tokens.length);
        for (int row = 0; row < tokens.length; row++) {
            sampling.row(row, settings, 0, tokens[row]);
        }
        launches.choose(sampling, logits);
        sampling.launched(stream);
        return sampling.await();
    }

    private Matrix copy(Matrix logits, int rows) {
        long bytes = rows * logits.rowBytes();
        MemorySegment back = copied.atLeast(bytes);
        stream.copyToHost(back, logits.data().address(), bytes);
        stream.synchronize();
        return new Matrix(back.asSlice(0, bytes), ElementType.F32, rows, logits.cols());
    }

    @Override
    public void close() {
        samplings[0].close();
        samplings[1].close();
        copied.close();
        launches.close();
    }
}
