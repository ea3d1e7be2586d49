package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.InvalidLogitsException;
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
    private static final int MOST_ALTERNATIVES = 20;
    private static final int CHUNK = 8192;
    private static final int MOST_CHUNKS = 32;
    private static final int SCAN_THREADS = 256;
    private static final int CHOOSE_THREADS = 1024;
    private static final int SEE_THREADS = 256;

    // The structs of sampler.cuh.
    private static final long ROW_BYTES = 72;
    private static final long SUMMARY_BYTES = 24 + 8 * MOST_ALTERNATIVES;
    private static final long SAMPLED_BYTES = 16;
    private static final long ALTERNATIVES_BYTES = 8 * MOST_ALTERNATIVES;

    private final Kernels kernels;
    private final CudaStream stream;
    private final Sampler host;
    private final GrowingBuffers buffers;

    CudaSampler(CudaContext context, Kernels kernels, CudaStream stream, Sampler host) {
        this.kernels = kernels;
        this.stream = stream;
        this.host = host;
        this.buffers = new GrowingBuffers(context);
    }

    /** The tokens seen so far, and the state of the sampler that may have to help out. */
    private static final class State implements SamplingState {
        private final SamplingState host;
        private final SeenTokens seen = new SeenTokens();
        private long outputs;

        State(SamplingState host) {
            this.host = host;
        }

        @Override
        public SamplingSettings settings() {
            return host.settings();
        }

        @Override
        public void seePrompt(int token) {
            host.seePrompt(token);
            if (settings().hasPenalties()) {
                seen.add(token, false);
            }
        }

        @Override
        public void seeOutput(int token) {
            host.seeOutput(token);
            noteOutput(token);
        }

        /** Notes a token of the output that the other sampler has noted already. */
        void noteOutput(int token) {
            if (settings().hasPenalties()) {
                seen.add(token, true);
            }
            outputs++;
        }
    }

    @Override
    public SamplingState newState(SamplingSettings settings) {
        return new State(host.newState(settings));
    }

    @Override
    public List<SampledToken> sample(Matrix logits, List<? extends SamplingState> states) {
        List<State> own = new ArrayList<>(states.size());
        boolean onDevice = Math.ceilDiv(logits.cols(), CHUNK) <= MOST_CHUNKS;
        for (SamplingState state : states) {
            if (!(state instanceof State mine)) {
                throw new IllegalArgumentException("a state that was not made by this sampler");
            }
            own.add(mine);
            onDevice &= mine.settings().logProbs() <= MOST_ALTERNATIVES;
        }
        if (!onDevice) {
            return sampleOnHost(logits, own);
        }
        MemorySegment rows = buffers.rows(own.size() * ROW_BYTES);
        for (int row = 0; row < own.size(); row++) {
            write(rows.asSlice(row * ROW_BYTES, ROW_BYTES), own.get(row).settings(), own.get(row).outputs, -1);
        }
        penalise(logits.cols(), own, rows);
        int biased = bias(logits, own);
        List<SampledToken> tokens;
        try {
            tokens = choose(logits, own.size(), rows);
        } finally {
            changeBiased(kernels.samplerUnbias, biased);
        }
        for (int row = 0; row < own.size(); row++) {
            own.get(row).seeOutput(tokens.get(row).id());
        }
        return tokens;
    }

    private List<SampledToken> sampleOnHost(Matrix logits, List<State> states) {
        List<SamplingState> others = states.stream().map(state -> state.host).toList();
        List<SampledToken> tokens = host.sample(copy(logits, states.size()), others);
        for (int row = 0; row < tokens.size(); row++) {
            states.get(row).noteOutput(tokens.get(row).id());
        }
        return tokens;
    }

    /** Tells the device which tokens the rows with penalties have seen. */
    private void penalise(int vocabulary, List<State> states, MemorySegment rows) {
        int penalised = 0;
        int count = 0;
        for (State state : states) {
            penalised += state.seen.size() > 0 ? 1 : 0;
            count += state.seen.size();
        }
        if (penalised == 0) {
            return;
        }
        long rowBytes = (long) vocabulary * Integer.BYTES;
        long seen = buffers.seen(penalised * rowBytes);
        MemorySegment tokens = buffers.tokens(count * SeenTokens.BYTES);
        stream.fill(seen, (byte) 0, penalised * rowBytes);
        long at = 0;
        for (int row = 0; row < states.size(); row++) {
            SeenTokens own = states.get(row).seen;
            if (own.size() > 0) {
                rows.set(JAVA_LONG, row * ROW_BYTES, seen);
                at += own.write(tokens.asSlice(at), seen, vocabulary);
                seen += rowBytes;
            }
        }
        stream.copyToDevice(buffers.deviceTokens(), tokens, at);
        int written = Math.toIntExact(at / SeenTokens.BYTES);
        kernels.samplerSee
                .grid(Math.max(1, Math.ceilDiv(written, SEE_THREADS)), 1, 1)
                .block(SEE_THREADS, 1, 1, 0)
                .set(0, buffers.deviceTokens())
                .set(1, written)
                .launch(stream.handle());
    }

    /** Adds to the logits what the rows want added; returns how many have changed. */
    private int bias(Matrix logits, List<State> states) {
        int most = 0;
        for (State state : states) {
            most += state.settings().bias().size(state.outputs);
        }
        if (most == 0) {
            return 0;
        }
        MemorySegment tokens = buffers.biases(most * BiasedTokens.BYTES);
        long at = 0;
        for (int row = 0; row < states.size(); row++) {
            State state = states.get(row);
            at += BiasedTokens.write(
                    tokens.asSlice(at),
                    state.settings().bias(),
                    state.outputs,
                    logits.data().address() + row * logits.rowBytes(),
                    logits.cols());
        }
        stream.copyToDevice(buffers.deviceBiases(), tokens, at);
        int biased = Math.toIntExact(at / BiasedTokens.BYTES);
        changeBiased(kernels.samplerBias, biased);
        return biased;
    }

    private void changeBiased(KernelLaunch kernel, int biased) {
        if (biased > 0) {
            kernel.grid(Math.ceilDiv(biased, SEE_THREADS), 1, 1)
                    .block(SEE_THREADS, 1, 1, 0)
                    .set(0, buffers.deviceBiases())
                    .set(1, biased)
                    .launch(stream.handle());
        }
    }

    @Override
    public List<SampledToken> score(Matrix logits, int[] tokens, int alternatives) {
        for (int token : tokens) {
            Objects.checkIndex(token, logits.cols());
        }
        if (alternatives > MOST_ALTERNATIVES || Math.ceilDiv(logits.cols(), CHUNK) > MOST_CHUNKS) {
            return host.score(copy(logits, tokens.length), tokens, alternatives);
        }
        SamplingSettings settings = new SamplingSettings(0, 0, 1, 0, 1, 0, 0, 0, alternatives);
        MemorySegment rows = buffers.rows(tokens.length * ROW_BYTES);
        for (int row = 0; row < tokens.length; row++) {
            write(rows.asSlice(row * ROW_BYTES, ROW_BYTES), settings, 0, tokens[row]);
        }
        return choose(logits, tokens.length, rows);
    }

    /** Writes a struct {@code SamplingRow}; {@code token} is the one to score, or -1. */
    private static void write(MemorySegment to, SamplingSettings settings, long draw, int token) {
        to.fill((byte) 0);
        to.set(JAVA_LONG, 8, settings.seed());
        to.set(JAVA_LONG, 16, draw);
        to.set(JAVA_FLOAT, 24, settings.temperature());
        to.set(JAVA_FLOAT, 28, settings.topP());
        to.set(JAVA_FLOAT, 32, settings.minP());
        to.set(JAVA_FLOAT, 36, settings.repetitionPenalty());
        to.set(JAVA_FLOAT, 40, settings.presencePenalty());
        to.set(JAVA_FLOAT, 44, settings.frequencyPenalty());
        to.set(JAVA_INT, 48, settings.topK());
        to.set(JAVA_INT, 52, settings.logProbs());
        to.set(JAVA_INT, 56, token);
    }

    private List<SampledToken> choose(Matrix logits, int count, MemorySegment rows) {
        int chunks = Math.ceilDiv(logits.cols(), CHUNK);
        long settings = buffers.deviceRows();
        long summaries = buffers.summaries(SUMMARY_BYTES * count * chunks);
        long results = buffers.results(count * (SAMPLED_BYTES + ALTERNATIVES_BYTES));
        long alternatives = results + count * SAMPLED_BYTES;
        stream.copyToDevice(settings, rows, count * ROW_BYTES);
        kernels.samplerScan
                .grid(chunks, count, 1)
                .block(SCAN_THREADS, 1, 1, 0)
                .set(0, logits.data().address())
                .set(1, settings)
                .set(2, 0L)
                .set(3, summaries)
                .set(4, logits.cols())
                .launch(stream.handle());
        kernels.samplerChoose
                .grid(count, 1, 1)
                .block(CHOOSE_THREADS, 1, 1, 0)
                .set(0, logits.data().address())
                .set(1, settings)
                .set(2, 0L)
                .set(3, summaries)
                .set(4, chunks)
                .set(5, logits.cols())
                .set(6, results)
                .set(7, alternatives)
                .set(8, 0L)
                .launch(stream.handle());
        boolean more = false;
        for (int row = 0; row < count && !more; row++) {
            more = rows.get(JAVA_INT, row * ROW_BYTES + 52) > 0;
        }
        long bytes = count * (SAMPLED_BYTES + (more ? ALTERNATIVES_BYTES : 0));
        MemorySegment back = buffers.back(bytes);
        stream.copyToHost(back, results, bytes);
        stream.synchronize();
        return read(back, count);
    }

    private static List<SampledToken> read(MemorySegment from, int count) {
        List<SampledToken> tokens = new ArrayList<>(count);
        List<Integer> invalid = new ArrayList<>();
        for (int row = 0; row < count; row++) {
            long at = row * SAMPLED_BYTES;
            if (from.get(JAVA_INT, at + 4) == 0) {
                invalid.add(row);
                continue;
            }
            List<SampledToken.TokenLogProb> alternatives = new ArrayList<>();
            long list = count * SAMPLED_BYTES + row * ALTERNATIVES_BYTES;
            for (int i = 0; i < from.get(JAVA_INT, at + 12); i++) {
                alternatives.add(new SampledToken.TokenLogProb(
                        from.get(JAVA_INT, list + 4L * i),
                        from.get(JAVA_FLOAT, list + 4L * MOST_ALTERNATIVES + 4L * i)));
            }
            tokens.add(
                    new SampledToken(from.get(JAVA_INT, at), from.get(JAVA_FLOAT, at + 8), List.copyOf(alternatives)));
        }
        if (!invalid.isEmpty()) {
            throw new InvalidLogitsException(invalid);
        }
        return tokens;
    }

    private Matrix copy(Matrix logits, int rows) {
        long bytes = rows * logits.rowBytes();
        MemorySegment back = buffers.back(bytes);
        stream.copyToHost(back, logits.data().address(), bytes);
        stream.synchronize();
        return new Matrix(back.asSlice(0, bytes), ElementType.F32, rows, logits.cols());
    }

    @Override
    public void close() {
        buffers.close();
    }
}
