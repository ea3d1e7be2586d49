package lorikeet.kernels.cpu;

import java.util.Arrays;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Causal attention over the KV blocks of each sequence. How it is shared out changes no bit of the result. */
final class CpuAttention {
    private final WorkerPool pool;
    private final AttentionTile[] workers;
    private float[] parts = new float[0];

    // The plan of the last layer, which the next one most likely has too.
    private @Nullable AttentionPlan plan;
    private int plannedWindow;
    private int plannedQueries;

    CpuAttention(WorkerPool pool) {
        this.pool = pool;
        workers = new AttentionTile[pool.size()];
        Arrays.setAll(workers, worker -> new AttentionTile());
    }

    /** Starts a step. */
    void begin() {
        plan = null;
    }

    /** See {@link lorikeet.kernels.Operations#attend}. */
    void attend(Batch batch, KvCache cache, Matrix qkv, AttentionShape shape, Matrix out) {
        AttentionCall call = new AttentionCall(batch, cache, qkv, shape, out);
        AttentionPlan todo = plan(batch, shape.window(), AttentionTile.queries(call.group()));
        int kvHeads = shape.kvHeads();
        int partSize = call.group() * SoftmaxPart.size(shape.headSize());
        int needed = Math.multiplyExact(todo.parts().size(), kvHeads * partSize);
        if (parts.length < needed) {
            parts = new float[needed];
        }
        int tiles = todo.tiles().size();
        pool.run((tiles + todo.parts().size()) * kvHeads, (index, worker) -> {
            int unit = index / kvHeads;
            int kvHead = index % kvHeads;
            if (unit < tiles) {
                // The last tile of a prompt sees the most tokens: from there, so that the last tasks are short ones.
                workers[worker].attend(call, todo.tiles().get(tiles - 1 - unit), kvHead);
            } else {
                int part = unit - tiles;
                workers[worker].attend(
                        call, todo.parts().get(part), kvHead, parts, (part * kvHeads + kvHead) * partSize);
            }
        });
        pool.run(todo.merges().size() * kvHeads, (index, worker) -> {
            AttentionPlan.Merge merge = todo.merges().get(index / kvHeads);
            int kvHead = index % kvHeads;
            int at = (merge.firstPart() * kvHeads + kvHead) * partSize;
            workers[worker].merge(call, merge, kvHead, parts, at, kvHeads * partSize);
        });
    }

    private AttentionPlan plan(Batch batch, int window, int queries) {
        AttentionPlan last = plan;
        if (last != null && plannedWindow == window && plannedQueries == queries) {
            return last;
        }
        AttentionPlan next = AttentionPlan.of(batch, window, queries);
        plan = next;
        plannedWindow = window;
        plannedQueries = queries;
        return next;
    }
}
