package lorikeet.kernels.cpu;

import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.memory.Matrix;

/** The arguments of one layer's attention. */
record AttentionCall(Batch batch, KvCache cache, Matrix qkv, AttentionShape shape, Matrix out) {

    /** Query heads that share one key and value head. */
    int group() {
        return shape.heads() / shape.kvHeads();
    }

    /** The first position that a token at {@code position} sees. */
    int firstVisible(int position) {
        return firstVisible(position, shape.window());
    }

    /** The first position that a token at {@code position} sees within {@code window}, 0 for all. */
    static int firstVisible(int position, int window) {
        return window == 0 ? 0 : Math.max(0, position - window + 1);
    }
}
