package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import lorikeet.kernels.Batch;
import lorikeet.kernels.Delta;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Looks up the embeddings of tokens, with the adapters' changes of the table. */
final class CpuEmbedding {
    private final WorkerPool pool;
    private final WorkerArrays embeddings;
    private final WorkerArrays factors;
    private final WorkerArrays columns;

    CpuEmbedding(WorkerPool pool) {
        this.pool = pool;
        embeddings = new WorkerArrays(pool.size());
        factors = new WorkerArrays(pool.size());
        columns = new WorkerArrays(pool.size());
    }

    /**
     * Fills one row of {@code out} for each token.
     *
     * @param ids makes vocabulary numbers of the batch's
     * @param table {@code [vocabulary, hidden]}
     * @param slot the number by which adapters refer to the table
     */
    void embed(Batch batch, IntUnaryOperator ids, Matrix table, int slot, Matrix out) {
        RowGroups groups = batch.tokenGroups();
        int perTask = Rows.perTask(table.cols());
        pool.run(Rows.tasks(batch.tokens(), table.cols()), (index, worker) -> {
            int from = index * perTask;
            int to = Math.min(from + perTask, batch.tokens());
            float[] embedding = embeddings.of(worker, table.cols());
            int g = Rows.groupOf(groups, from);
            for (int r = from; r < to; r++) {
                if (r == groups.end(g)) {
                    g++;
                }
                lookUp(table, groups.delta(g, slot), ids.applyAsInt(batch.id(r)), embedding, worker);
                MemorySegment.copy(embedding, 0, out.data(), JAVA_FLOAT, r * out.rowBytes(), out.cols());
            }
        });
    }

    private void lookUp(Matrix table, @Nullable Delta delta, int token, float[] to, int worker) {
        switch (delta) {
            case null -> StoredFloats.readRow(table, token, to);
            case Delta.Replacement(Matrix weight) -> StoredFloats.readRow(weight, token, to);
            case Delta.TokenRows(int[] tokens, Matrix rows) -> {
                int index = Arrays.binarySearch(tokens, token);
                StoredFloats.readRow(index >= 0 ? rows : table, index >= 0 ? index : token, to);
            }
            case Delta.LowRankEmbedding change -> {
                StoredFloats.readRow(table, token, to);
                add(change, token, to, worker);
            }
            case Delta.Rebased(Matrix weight, Delta change) -> lookUp(weight, change, token, to, worker);
            case Delta.LowRank other ->
                throw new IllegalArgumentException("an embedding table can't be changed by "
                        + other.getClass().getSimpleName());
        }
    }

    /** {@code to += scaling * B A[:, token]}, times the magnitude if there is one. */
    private void add(Delta.LowRankEmbedding change, int token, float[] to, int worker) {
        int rank = change.b().cols();
        float[] column = columns.of(worker, rank);
        StoredFloats.readColumn(change.a(), token, column);
        float[] factor = factors.of(worker, rank);
        for (int i = 0; i < change.b().rows(); i++) {
            StoredFloats.readRow(change.b(), i, factor);
            float sum = 0;
            for (int k = 0; k < rank; k++) {
                sum = Math.fma(factor[k], column[k], sum);
            }
            to[i] += change.scaling() * sum;
        }
        Matrix magnitude = change.magnitude();
        if (magnitude != null) {
            float[] magnitudes = factors.of(worker, magnitude.cols());
            StoredFloats.readRow(magnitude, 0, magnitudes);
            for (int i = 0; i < magnitude.cols(); i++) {
                to[i] *= magnitudes[i];
            }
        }
    }
}
