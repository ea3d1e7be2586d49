package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Norm;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Finishes queries, keys and values: norms over each head, the rotary embedding, keys and values into the cache.
 *
 * <p>Here the keys of one head and block lie in the cache as {@code [headSize][token]}: attention then computes the
 * scores of neighbouring tokens in the lanes of one vector, and never sums up across lanes.
 */
final class CpuRotary {
    private static final int BLOCK = KvLayout.BLOCK_TOKENS;

    private final WorkerPool pool;
    private final WorkerArrays rows;
    private final WorkerArrays queryWeights;
    private final WorkerArrays keyWeights;
    private final WorkerArrays lanes;
    private final RotaryTurns turns = new RotaryTurns();

    CpuRotary(WorkerPool pool) {
        this.pool = pool;
        rows = new WorkerArrays(pool.size());
        queryWeights = new WorkerArrays(pool.size());
        keyWeights = new WorkerArrays(pool.size());
        lanes = new WorkerArrays(pool.size());
    }

    /** Computes what all layers of a step share. */
    void begin(Batch batch) {
        turns.fill(batch, pool);
    }

    /** See {@link lorikeet.kernels.Operations#rotateAndStore}. */
    void rotateAndStore(Batch batch, KvCache cache, Matrix qkv, HeadNorms norms, AttentionShape shape) {
        int perTask = Rows.perTask(qkv.cols());
        RowGroups groups = batch.tokenGroups();
        pool.run(Rows.tasks(batch.tokens(), qkv.cols()), (index, worker) -> {
            int from = index * perTask;
            int to = Math.min(from + perTask, batch.tokens());
            for (int g = Rows.groupOf(groups, from); from < to; g++) {
                int end = Math.min(to, groups.end(g));
                float[] queryWeight = weight(norms.query(), groups, g, queryWeights.of(worker, shape.headSize()));
                float[] keyWeight = weight(norms.key(), groups, g, keyWeights.of(worker, shape.headSize()));
                for (int r = from; r < end; r++) {
                    float[] row = rows.of(worker, qkv.cols());
                    long at = r * qkv.rowBytes();
                    MemorySegment.copy(qkv.data(), JAVA_FLOAT, at, row, 0, qkv.cols());
                    int keysAt = shape.heads() * shape.headSize();
                    turnHeads(row, 0, shape.heads(), shape.headSize(), norms.query(), queryWeight, r, worker);
                    turnHeads(row, keysAt, shape.kvHeads(), shape.headSize(), norms.key(), keyWeight, r, worker);
                    MemorySegment.copy(row, 0, qkv.data(), JAVA_FLOAT, at, keysAt);
                    int block = batch.blockTable(turns.sequence(r))[batch.position(r) / BLOCK];
                    store(row, keysAt, batch.position(r) % BLOCK, cache.block(block), cache.layout(), shape);
                }
                from = end;
            }
        });
    }

    /** Reads the norm's weight for group {@code g} into {@code to}. */
    private static float[] weight(@Nullable Norm norm, RowGroups groups, int g, float[] to) {
        if (norm != null) {
            StoredFloats.readRow(NormWeight.of(norm, groups, g), 0, to);
        }
        return to;
    }

    private void turnHeads(
            float[] row, int at, int heads, int size, @Nullable Norm norm, float[] weight, int token, int worker) {
        for (int head = 0; head < heads; head++) {
            int headAt = at + head * size;
            if (norm != null) {
                RmsNorm.apply(row, headAt, size, weight, norm.epsilon(), lanes.of(worker, Lanes.COUNT));
            }
            turn(row, headAt, turns.pairs(token), turns.table(), turns.cosines(token), turns.sines(token));
        }
    }

    /** Turns the pairs of components {@code i} and {@code i + pairs}; those after the last pair stay as they are. */
    private static void turn(float[] head, int at, int pairs, float[] table, int cosines, int sines) {
        int i = 0;
        for (; i <= pairs - Lanes.COUNT; i += Lanes.COUNT) {
            FloatVector first = FloatVector.fromArray(Lanes.FLOATS, head, at + i);
            FloatVector second = FloatVector.fromArray(Lanes.FLOATS, head, at + pairs + i);
            FloatVector cosine = FloatVector.fromArray(Lanes.FLOATS, table, cosines + i);
            FloatVector sine = FloatVector.fromArray(Lanes.FLOATS, table, sines + i);
            first.mul(cosine).sub(second.mul(sine)).intoArray(head, at + i);
            second.mul(cosine).add(first.mul(sine)).intoArray(head, at + pairs + i);
        }
        for (; i < pairs; i++) {
            float first = head[at + i];
            float second = head[at + pairs + i];
            head[at + i] = first * table[cosines + i] - second * table[sines + i];
            head[at + pairs + i] = second * table[cosines + i] + first * table[sines + i];
        }
    }

    private static void store(
            float[] row, int keysAt, int slot, MemorySegment block, KvLayout layout, AttentionShape shape) {
        int size = shape.headSize();
        int valuesAt = keysAt + shape.kvHeads() * size;
        for (int head = 0; head < shape.kvHeads(); head++) {
            long keys = layout.keyOffset(shape.layer(), head) + 4L * slot;
            for (int i = 0; i < size; i++) {
                block.set(JAVA_FLOAT, keys + 4L * BLOCK * i, row[keysAt + head * size + i]);
            }
            long values = layout.valueOffset(shape.layer(), head) + 4L * slot * size;
            MemorySegment.copy(row, valuesAt + head * size, block, JAVA_FLOAT, values, size);
        }
    }
}
