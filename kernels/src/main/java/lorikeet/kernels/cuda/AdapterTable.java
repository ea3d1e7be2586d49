package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Writes an adapter as the kernels read it: one struct {@code AdapterModule} of step.cuh for each slot, and behind them
 * the ids of tokens whose rows are replaced.
 */
final class AdapterTable {
    private static final long MODULE_BYTES = 64;
    private static final int LOW_RANK = 1;
    private static final int REPLACED = 2;
    private static final int REBASED = 3;
    private static final int TOKEN_ROWS = 4;

    private static final long A = 0;
    private static final long B = 8;
    private static final long LORA_BIAS = 16;
    private static final long MAGNITUDE = 24;
    private static final long WEIGHT = 32;
    private static final long TOKEN_IDS = 40;
    private static final long SCALING = 48;
    private static final long RANK = 52;
    private static final long KIND = 56;
    private static final long TOKEN_COUNT = 60;

    private final MemorySegment to;
    private final long device;
    private long nextIds;

    private AdapterTable(MemorySegment to, long device, long ids) {
        this.to = to;
        this.device = device;
        this.nextIds = ids;
    }

    /** The bytes that an adapter's table takes. */
    static long bytes(AdapterWeights weights) {
        long ids = 0;
        for (int slot = 0; slot < weights.slots(); slot++) {
            if (weights.at(slot) instanceof Delta.TokenRows rows) {
                ids += rows.tokens().length;
            }
        }
        return weights.slots() * MODULE_BYTES + ids * Integer.BYTES;
    }

    /**
     * Writes a table.
     *
     * @param weights with matrices in device memory
     * @param to host memory, {@link #bytes} long
     * @param device where those bytes will lie
     */
    static void write(AdapterWeights weights, MemorySegment to, long device) {
        to.fill((byte) 0);
        AdapterTable table = new AdapterTable(to, device, weights.slots() * MODULE_BYTES);
        for (int slot = 0; slot < weights.slots(); slot++) {
            Delta delta = weights.at(slot);
            if (delta != null) {
                table.module(slot * MODULE_BYTES, delta);
            }
        }
    }

    private void module(long at, Delta delta) {
        switch (delta) {
            case Delta.LowRank low -> {
                lowRank(at, LOW_RANK, low.a(), low.b(), low.scaling(), low.magnitude());
                pointer(at + LORA_BIAS, low.loraBias());
            }
            case Delta.LowRankEmbedding low -> lowRank(at, LOW_RANK, low.a(), low.b(), low.scaling(), low.magnitude());
            case Delta.Replacement(Matrix weight) -> {
                pointer(at + WEIGHT, weight);
                to.set(JAVA_INT, at + KIND, REPLACED);
            }
            case Delta.Rebased(Matrix weight, Delta change) -> {
                module(at, change);
                pointer(at + WEIGHT, weight);
                to.set(JAVA_INT, at + KIND, REBASED);
            }
            case Delta.TokenRows(int[] tokens, Matrix rows) -> {
                pointer(at + WEIGHT, rows);
                to.set(JAVA_LONG, at + TOKEN_IDS, device + nextIds);
                to.set(JAVA_INT, at + KIND, TOKEN_ROWS);
                to.set(JAVA_INT, at + TOKEN_COUNT, tokens.length);
                MemorySegment.copy(tokens, 0, to, JAVA_INT, nextIds, tokens.length);
                nextIds += (long) tokens.length * Integer.BYTES;
            }
        }
    }

    private void lowRank(long at, int kind, Matrix a, Matrix b, float scaling, @Nullable Matrix magnitude) {
        pointer(at + A, a);
        pointer(at + B, b);
        pointer(at + MAGNITUDE, magnitude);
        to.set(JAVA_FLOAT, at + SCALING, scaling);
        to.set(JAVA_INT, at + RANK, a.rows());
        to.set(JAVA_INT, at + KIND, kind);
    }

    private void pointer(long at, @Nullable Matrix matrix) {
        to.set(JAVA_LONG, at, matrix == null ? 0 : matrix.data().address());
    }
}
