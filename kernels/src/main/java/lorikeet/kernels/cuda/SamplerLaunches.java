package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.memory.Matrix;

/** Puts the sampler's kernels into the steps' stream, and owns the device memory that they share. Nothing here waits. */
final class SamplerLaunches implements AutoCloseable {
    private static final int CHUNK = 8192;
    private static final int MOST_CHUNKS = 32;
    private static final int SCAN_THREADS = 256;
    private static final int CHOOSE_THREADS = 1024;
    private static final int LIST_THREADS = 256;
    private static final int CLEAR_BLOCKS = 256;

    /** The struct ChunkSummary of sampler.cuh. */
    private static final long SUMMARY_BYTES = 24 + 8 * DeviceSampling.MOST_ALTERNATIVES;

    /** The struct RowDraw of sampler.cuh. */
    private static final long DRAW_BYTES = 12 * 1024 + 16 * MOST_CHUNKS + 8 * 1024 + 32;

    private final Kernels kernels;
    private final CudaStream stream;
    private final GrowingDeviceMemory summaries;
    private final GrowingDeviceMemory draws;
    private final GrowingDeviceMemory chosen;
    private final GrowingDeviceMemory counts;
    private final GrowingDeviceMemory unbiased;

    SamplerLaunches(CudaContext context, Kernels kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
        summaries = new GrowingDeviceMemory(context, stream);
        draws = new GrowingDeviceMemory(context, stream);
        chosen = new GrowingDeviceMemory(context, stream);
        counts = new GrowingDeviceMemory(context, stream);
        unbiased = new GrowingDeviceMemory(context, stream);
    }

    /** Whether the kernels take rows of so many logits. */
    static boolean takes(int vocabulary) {
        return Math.ceilDiv(vocabulary, CHUNK) <= MOST_CHUNKS;
    }

    /**
     * The device address of the tokens that the last sampling chose, an int for each of its rows; 0 where there was
     * nothing to choose. Another, without these, if there never were so many rows.
     */
    long chosen(int rows) {
        return chosen.atLeast((long) rows * Integer.BYTES);
    }

    /** Chooses or scores: a token for each row of the sampling, whose rows are set. */
    void choose(DeviceSampling sampling, Matrix logits) {
        int chunks = Math.ceilDiv(logits.cols(), CHUNK);
        int rows = sampling.count();
        long settings = sampling.settings();
        long summaryAddress = summaries.atLeast(SUMMARY_BYTES * rows * chunks);
        long drawAddress = sampling.drawn() ? draws.atLeast(DRAW_BYTES * rows) : 0L;
        kernels.samplerUpload
                .grid(Math.toIntExact(Math.ceilDiv(DeviceSampling.ROW_BYTES / 8 * rows, LIST_THREADS)), 1, 1)
                .block(LIST_THREADS, 1, 1, 0)
                .set(0, sampling.rows())
                .set(1, settings)
                .set(2, rows)
                .launch(stream.handle());
        chunks(kernels.samplerScan, sampling, logits);
        if (sampling.drawn()) {
            chunks(kernels.samplerWeigh, sampling, logits);
        }
        if (sampling.narrowed()) {
            chunks(kernels.samplerNarrow, sampling, logits);
        }
        kernels.samplerChoose
                .grid(rows, 1, 1)
                .block(CHOOSE_THREADS, 1, 1, 0)
                .set(0, logits.data().address())
                .set(1, 0L)
                .set(2, settings)
                .set(3, summaryAddress)
                .set(4, drawAddress)
                .set(5, chunks)
                .set(6, logits.cols())
                .set(7, sampling.sampled())
                .set(8, sampling.alternatives())
                .set(9, chosen(rows))
                .launch(stream.handle());
    }

    /** Launches a kernel that has a block for each chunk of each row. */
    private void chunks(KernelLaunch kernel, DeviceSampling sampling, Matrix logits) {
        kernel.grid(Math.ceilDiv(logits.cols(), CHUNK), sampling.count(), 1)
                .block(SCAN_THREADS, 1, 1, 0)
                .set(0, logits.data().address())
                .set(1, 0L)
                .set(2, sampling.settings())
                .set(3, summaries.address())
                .set(4, sampling.drawn() ? draws.address() : 0L)
                .set(5, logits.cols())
                .launch(stream.handle());
    }

    /** Counts the tokens that the rows with penalties have seen, and lets these rows know. */
    void penalise(DeviceSampling sampling, int vocabulary, List<CudaSamplingState> states) {
        int penalised = 0;
        int tokens = 0;
        for (CudaSamplingState state : states) {
            penalised += state.seenTokens() > 0 ? 1 : 0;
            tokens += state.seenTokens();
        }
        if (penalised == 0) {
            return;
        }
        long rowBytes = (long) vocabulary * Integer.BYTES;
        long row = counts.atLeast(penalised * rowBytes);
        kernels.samplerClear
                .grid(CLEAR_BLOCKS, 1, 1)
                .block(LIST_THREADS, 1, 1, 0)
                .set(0, row)
                .set(1, (long) penalised * vocabulary)
                .launch(stream.handle());
        MemorySegment list = sampling.seen(tokens * SeenTokens.BYTES);
        long at = 0;
        for (int i = 0; i < states.size(); i++) {
            CudaSamplingState state = states.get(i);
            if (state.seenTokens() > 0) {
                sampling.seenOf(i, row);
                at += state.writeSeen(list.asSlice(at), row, vocabulary);
                row += rowBytes;
            }
        }
        int written = Math.toIntExact(at / SeenTokens.BYTES);
        kernels.samplerSee
                .grid(Math.max(1, Math.ceilDiv(written, LIST_THREADS)), 1, 1)
                .block(LIST_THREADS, 1, 1, 0)
                .set(0, list.address())
                .set(1, chosen.address())
                .set(2, written)
                .launch(stream.handle());
    }

    /** Adds to the logits what the rows want added; returns how many have changed. */
    int bias(DeviceSampling sampling, Matrix logits, List<CudaSamplingState> states) {
        int most = 0;
        for (CudaSamplingState state : states) {
            most += state.settings().bias().size(state.outputs());
        }
        if (most == 0) {
            return 0;
        }
        MemorySegment list = sampling.biases(most * BiasedTokens.BYTES);
        long at = 0;
        for (int i = 0; i < states.size(); i++) {
            CudaSamplingState state = states.get(i);
            at += BiasedTokens.write(
                    list.asSlice(at),
                    state.settings().bias(),
                    state.outputs(),
                    logits.data().address() + i * logits.rowBytes(),
                    logits.cols());
        }
        int biased = Math.toIntExact(at / BiasedTokens.BYTES);
        unbiased.atLeast((long) biased * Float.BYTES);
        changeBiased(kernels.samplerBias, sampling, biased);
        return biased;
    }

    /** Makes the logits what they were before {@link #bias} changed so many of them. */
    void unbias(DeviceSampling sampling, int biased) {
        changeBiased(kernels.samplerUnbias, sampling, biased);
    }

    private void changeBiased(KernelLaunch kernel, DeviceSampling sampling, int biased) {
        if (biased > 0) {
            kernel.grid(Math.ceilDiv(biased, LIST_THREADS), 1, 1)
                    .block(LIST_THREADS, 1, 1, 0)
                    .set(0, sampling.biased())
                    .set(1, unbiased.address())
                    .set(2, biased)
                    .launch(stream.handle());
        }
    }

    @Override
    public void close() {
        summaries.close();
        draws.close();
        chosen.close();
        counts.close();
        unbiased.close();
    }
}
