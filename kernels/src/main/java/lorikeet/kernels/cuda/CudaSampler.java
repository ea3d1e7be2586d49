package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.kernels.InvalidLogitsException;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.kernels.Sampling;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

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
    private final DeviceSampling[] samplings;

    private int next;
    private @Nullable Started last;

    CudaSampler(CudaContext context, Kernels kernels, CudaStream stream, Sampler host) {
        this.stream = stream;
        this.host = host;
        launches = new SamplerLaunches(context, kernels, stream);
        copied = new GrowingPinned(context);
        samplings = new DeviceSampling[] {new DeviceSampling(context, stream), new DeviceSampling(context, stream)};
    }

    @Override
    public SamplingState newState(SamplingSettings settings) {
        return new CudaSamplingState(host.newState(settings));
    }

    @Override
    public Sampling start(Matrix logits, List<? extends SamplingState> states) {
        List<CudaSamplingState> own = new ArrayList<>(states.size());
        boolean onDevice = SamplerLaunches.takes(logits.cols());
        for (SamplingState state : states) {
            if (!(state instanceof CudaSamplingState mine)) {
                throw new IllegalArgumentException("a state that was not made by this sampler");
            }
            own.add(mine);
            onDevice &= mine.settings().logProbs() <= DeviceSampling.MOST_ALTERNATIVES;
        }
        if (!onDevice) {
            return sampleOnHost(logits, own);
        }
        last = new Started(launch(logits, own), own);
        return last;
    }

    private DeviceSampling launch(Matrix logits, List<CudaSamplingState> states) {
        DeviceSampling sampling = begin(states.size());
        for (int row = 0; row < states.size(); row++) {
            CudaSamplingState state = states.get(row);
            sampling.row(row, state.settings(), state.outputs(), -1);
        }
        if (!states.isEmpty()) {
            launches.penalise(sampling, logits.cols(), states);
            int biased = launches.bias(sampling, logits, states);
            launches.choose(sampling, logits);
            launches.unbias(sampling, biased);
        }
        sampling.launched(stream);
        for (int row = 0; row < states.size(); row++) {
            states.get(row).awaitOutput(row);
        }
        return sampling;
    }

    private DeviceSampling begin(int rows) {
        DeviceSampling sampling = samplings[next];
        next = 1 - next;
        sampling.begin(rows);
        return sampling;
    }

    /** Tokens that are being chosen on the device. */
    private static final class Started implements Sampling {
        private final DeviceSampling sampling;
        private final List<CudaSamplingState> states;
        private @Nullable List<@Nullable SampledToken> tokens;

        Started(DeviceSampling sampling, List<CudaSamplingState> states) {
            this.sampling = sampling;
            this.states = states;
        }

        @Override
        public List<@Nullable SampledToken> await() {
            List<@Nullable SampledToken> found = tokens;
            if (found == null) {
                found = sampling.await();
                tokens = found;
                for (int row = 0; row < states.size(); row++) {
                    states.get(row).arrived(found.get(row));
                }
            }
            return found;
        }
    }

    /** Waits, also for what was started before, since the other sampler has to know its tokens. */
    private Sampling sampleOnHost(Matrix logits, List<CudaSamplingState> states) {
        if (last != null) {
            last.await();
        }
        List<SamplingState> others =
                states.stream().map(CudaSamplingState::host).toList();
        List<@Nullable SampledToken> tokens =
                host.start(copy(logits, states.size()), others).await();
        MemorySegment ids = copied.atLeast((long) tokens.size() * Integer.BYTES);
        for (int row = 0; row < tokens.size(); row++) {
            SampledToken token = tokens.get(row);
            ids.setAtIndex(JAVA_INT, row, token == null ? 0 : token.id());
            if (token != null) {
                states.get(row).noteOutput(token.id());
            }
        }
        stream.copyToDevice(launches.chosen(tokens.size()), ids, (long) tokens.size() * Integer.BYTES);
        return () -> tokens;
    }

    /** The device address of the last sampling's tokens; the same as long as no more rows are asked for than before. */
    long chosen(int rows) {
        return launches.chosen(rows);
    }

    @Override
    public List<SampledToken> score(Matrix logits, int[] tokens, int alternatives) {
        for (int token : tokens) {
            Objects.checkIndex(token, logits.cols());
        }
        if (alternatives > DeviceSampling.MOST_ALTERNATIVES || !SamplerLaunches.takes(logits.cols())) {
            return host.score(copy(logits, tokens.length), tokens, alternatives);
        }
        SamplingSettings settings = new SamplingSettings(0, 0, 1, 0, 1, 0, 0, 0, alternatives);
        DeviceSampling sampling = begin(tokens.length);
        for (int row = 0; row < tokens.length; row++) {
            sampling.row(row, settings, 0, tokens[row]);
        }
        launches.choose(sampling, logits);
        sampling.launched(stream);
        return InvalidLogitsException.requireAll(sampling.await());
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
