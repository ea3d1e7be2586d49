package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import org.jspecify.annotations.Nullable;

/**
 * One sampling: what the kernels have to know of its rows, and what they have chosen. Both lie in page-locked memory that
 * the kernels read and write in place, because a copy would wait for those of adapters; what they have to know is read once,
 * into device memory of its own. From {@link #begin} to
 * {@link #await} it belongs to the steps' stream; then it can be used for another.
 */
final class DeviceSampling implements AutoCloseable {
    static final int MOST_ALTERNATIVES = 20;

    // The structs SamplingRow, SampledRow and Alternatives of sampler.cuh.
    static final long ROW_BYTES = 72;
    private static final long ROW_SEEN = 0;
    private static final long ROW_LOG_PROBS = 52;
    private static final long SAMPLED_BYTES = 16;
    private static final long ALTERNATIVES_BYTES = 8 * MOST_ALTERNATIVES;

    private final GrowingPinned rows;
    private final GrowingDeviceMemory settings;
    private final GrowingPinned results;
    private final GrowingPinned seen;
    private final GrowingPinned biases;
    private final CudaEvent done;
    private int count;
    private boolean drawn;
    private boolean narrowed;

    DeviceSampling(CudaContext context, CudaStream stream) {
        rows = new GrowingPinned(context);
        settings = new GrowingDeviceMemory(context, stream);
        results = new GrowingPinned(context);
        seen = new GrowingPinned(context);
        biases = new GrowingPinned(context);
        done = context.event();
    }

    /** Starts another sampling of so many rows, once the last one that was put into a stream is over. */
    void begin(int rowCount) {
        done.synchronize();
        count = rowCount;
        drawn = false;
        narrowed = false;
        rows.atLeast(count * ROW_BYTES);
        settings.atLeast(count * ROW_BYTES);
        results.atLeast(count * (SAMPLED_BYTES + ALTERNATIVES_BYTES));
    }

    int count() {
        return count;
    }

    /** Sets what is wanted of a row; {@code token} is the one to score, or -1. */
    void row(int row, SamplingSettings settings, long draw, int token) {
        MemorySegment to = rows.segment().asSlice(row * ROW_BYTES, ROW_BYTES);
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
        to.set(JAVA_INT, ROW_LOG_PROBS, settings.logProbs());
        to.set(JAVA_INT, 56, token);
        boolean draws = settings.temperature() > 0 && token < 0;
        drawn |= draws;
        narrowed |= draws && (settings.topK() > 0 || settings.topP() < 1);
    }

    /** Whether there are rows that are drawn, not just the most likely tokens. */
    boolean drawn() {
        return drawn;
    }

    /** Whether there are rows that are drawn from the most likely tokens only. */
    boolean narrowed() {
        return narrowed;
    }

    /** Gives a row, which was set, the device address of what was seen of each token. */
    void seenOf(int row, long counts) {
        rows.segment().set(JAVA_LONG, row * ROW_BYTES + ROW_SEEN, counts);
    }

    long rows() {
        return rows.address();
    }

    /** Where the device has what is set of the rows, once it was brought there. */
    long settings() {
        return settings.address();
    }

    /** Where the chosen tokens go. */
    long sampled() {
        return results.address();
    }

    /** Where the alternatives go. */
    long alternatives() {
        return results.address() + count * SAMPLED_BYTES;
    }

    /** Memory for the tokens that were seen. */
    MemorySegment seen(long bytes) {
        return seen.atLeast(bytes);
    }

    /** Memory for the tokens that have a bias. */
    MemorySegment biases(long bytes) {
        return biases.atLeast(bytes);
    }

    /** Where these tokens are. */
    long biased() {
        return biases.address();
    }

    /** Ends what is put into the stream. */
    void launched(CudaStream stream) {
        done.record(stream);
    }

    /** Waits for what was chosen: a token for each row, null where there was nothing to choose. */
    List<@Nullable SampledToken> await() {
        done.synchronize();
        MemorySegment from = results.segment();
        List<@Nullable SampledToken> tokens = new ArrayList<>(count);
        for (int row = 0; row < count; row++) {
            long at = row * SAMPLED_BYTES;
            if (from.get(JAVA_INT, at + 4) == 0) {
                tokens.add(null);
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
        return tokens;
    }

    @Override
    public void close() {
        done.synchronize();
        rows.close();
        settings.close();
        results.close();
        seen.close();
        biases.close();
        done.close();
    }
}
