package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lorikeet.kernels.KvLayout;
import lorikeet.memory.Matrix;

/**
 * One worker's attention of neighbouring queries of one sequence, for the query heads that share a key and value head.
 *
 * <p>Row {@code query * group + head} of the tile is one query of one head, so that keys and values are read once for
 * all of them. The tokens are taken in spans of {@link #SPAN} positions, counted from position 0: over each span a plain
 * softmax in two passes, and the spans merged in ascending order. Whoever computes a query, alone or in a tile, in one
 * go or span by span, does the same operations in the same order.
 */
final class AttentionTile {
    /** Positions in one span. */
    static final int SPAN = 256;

    /** Rows that a tile should have: enough to make use of each key read, few enough to stay in the cache. */
    private static final int TARGET_ROWS = 64;

    private static final int BLOCK = KvLayout.BLOCK_TOKENS;
    private static final int ROWS = AttentionKernels.ROWS;

    private final float[] lanes = new float[Lanes.COUNT];

    // What is computed: rows of one head's queries at neighbouring positions.
    private int headSize;
    private int group;
    private int firstPosition;
    private int rows;

    /** {@code [rows / 4][headSize][4]}, scaled; rows that fill up the last four are 0. */
    private float[] queries = new float[0];

    /** {@code [rows][SPAN]}. */
    private float[] scores = new float[0];

    /** The {@link SoftmaxPart} of the current span for each row. */
    private float[] parts = new float[0];

    /** The merged parts of each row. */
    private float[] totals = new float[0];

    /** The number of queries in a full tile when {@code group} heads share keys and values. */
    static int queries(int group) {
        return Math.max(1, TARGET_ROWS / group);
    }

    /** Computes the attention of all rows of {@code tile} over all their tokens. */
    void attend(AttentionCall call, AttentionPlan.Tile tile, int kvHead) {
        load(call, tile.from(), tile.to(), kvHead);
        int partSize = SoftmaxPart.size(headSize);
        for (int row = 0; row < rows; row++) {
            SoftmaxPart.clear(totals, row * partSize, headSize);
        }
        int lastPosition = position(rows - 1);
        for (int span = call.firstVisible(firstPosition) / SPAN; span <= lastPosition / SPAN; span++) {
            attendSpan(call, call.batch().blockTable(tile.sequence()), kvHead, span);
            for (int row = 0; row < rows; row++) {
                SoftmaxPart.merge(totals, row * partSize, parts, row * partSize, headSize);
            }
        }
        write(call, tile.from(), kvHead);
    }

    /** Computes the attention of one row over one span and copies its parts, one for each head of the group. */
    void attend(AttentionCall call, AttentionPlan.Part part, int kvHead, float[] to, int at) {
        load(call, part.row(), part.row() + 1, kvHead);
        attendSpan(call, call.batch().blockTable(part.sequence()), kvHead, part.span());
        System.arraycopy(parts, 0, to, at, rows * SoftmaxPart.size(headSize));
    }

    /**
     * Merges the parts of one row and writes the result.
     *
     * @param from the parts of the first span, one for each head of the group, from {@code at}
     * @param stride from the parts of one span to those of the next
     */
    void merge(AttentionCall call, AttentionPlan.Merge merge, int kvHead, float[] from, int at, int stride) {
        load(call, merge.row(), merge.row() + 1, kvHead);
        int partSize = SoftmaxPart.size(headSize);
        for (int row = 0; row < rows; row++) {
            SoftmaxPart.clear(totals, row * partSize, headSize);
            for (int i = 0; i < merge.endPart() - merge.firstPart(); i++) {
                SoftmaxPart.merge(totals, row * partSize, from, at + i * stride + row * partSize, headSize);
            }
        }
        write(call, merge.row(), kvHead);
    }

    private void load(AttentionCall call, int from, int to, int kvHead) {
        headSize = call.shape().headSize();
        group = call.group();
        firstPosition = call.batch().position(from);
        rows = (to - from) * group;
        int padded = Math.ceilDiv(rows, ROWS) * ROWS;
        grow(padded);
        Matrix qkv = call.qkv();
        for (int row = 0; row < padded; row++) {
            int packed = row / ROWS * ROWS * headSize + row % ROWS;
            int head = kvHead * group + row % group;
            long at = (from + row / group) * qkv.rowBytes() + 4L * head * headSize;
            for (int i = 0; i < headSize; i++) {
                queries[packed + ROWS * i] =
                        row < rows ? call.shape().scale() * qkv.data().get(JAVA_FLOAT, at + 4L * i) : 0;
            }
        }
    }

    private void grow(int padded) {
        int partSize = SoftmaxPart.size(headSize);
        if (queries.length < padded * headSize) {
            queries = new float[padded * headSize];
        }
        if (scores.length < padded * SPAN) {
            scores = new float[padded * SPAN];
        }
        if (parts.length < padded * partSize) {
            parts = new float[padded * partSize];
            totals = new float[padded * partSize];
        }
    }

    /** The position of a row's query; rows that fill up the last four stand with the last query. */
    private int position(int row) {
        return firstPosition + Math.min(row, rows - 1) / group;
    }

    /** Computes {@link #parts}. */
    private void attendSpan(AttentionCall call, int[] blockTable, int kvHead, int span) {
        int start = span * SPAN;
        int firstBlock = Math.max(start, call.firstVisible(firstPosition)) / BLOCK;
        int endBlock = Math.ceilDiv(Math.min(start + SPAN, position(rows - 1) + 1), BLOCK);
        KvLayout layout = call.cache().layout();
        int layer = call.shape().layer();
        for (int block = firstBlock; block < endBlock; block++) {
            MemorySegment memory = call.cache().block(blockTable[block]);
            score(call, memory, layout.keyOffset(layer, kvHead), block * BLOCK, start);
        }
        for (int row = 0; row < rows; row++) {
            weigh(call, row, start);
        }
        for (int block = firstBlock; block < endBlock; block++) {
            MemorySegment memory = call.cache().block(blockTable[block]);
            addValues(call, memory, layout.valueOffset(layer, kvHead), block * BLOCK, start);
        }
    }

    /** The scores of the block that starts at {@code position}, for each four rows of which one sees any of it. */
    private void score(AttentionCall call, MemorySegment block, long keysAt, int position, int spanStart) {
        for (int four = 0; four < rows; four += ROWS) {
            if (firstVisible(call, four) < position + BLOCK && position < endVisible(four)) {
                int at = four * SPAN + position - spanStart;
                AttentionKernels.scores(block, keysAt, headSize, queries, four * headSize, scores, at, SPAN);
            }
        }
    }

    /** Turns one row's scores into weights; those of tokens that only its neighbours see become 0. */
    private void weigh(AttentionCall call, int row, int spanStart) {
        int four = row / ROWS * ROWS;
        int from = Math.max(0, firstVisible(call, four) - spanStart) / BLOCK * BLOCK;
        int to = Math.min(SPAN, Math.ceilDiv(endVisible(four) - spanStart, BLOCK) * BLOCK);
        int partAt = row * SoftmaxPart.size(headSize);
        SoftmaxPart.clear(parts, partAt, headSize);
        if (from < to) {
            int visible = Math.clamp(call.firstVisible(position(row)) - spanStart, from, to);
            int end = Math.clamp(position(row) + 1 - spanStart, visible, to);
            int at = row * SPAN;
            Arrays.fill(scores, at + from, at + visible, SoftmaxPart.HIDDEN);
            Arrays.fill(scores, at + end, at + to, SoftmaxPart.HIDDEN);
            SoftmaxPart.weigh(scores, at + from, to - from, parts, partAt, headSize, lanes);
        }
    }

    /** Adds the weighted values of the block that starts at {@code position}. Tokens that no row sees are not read. */
    private void addValues(AttentionCall call, MemorySegment block, long valuesAt, int position, int spanStart) {
        int partSize = SoftmaxPart.size(headSize);
        for (int four = 0; four < rows; four += ROWS) {
            int from = Math.max(0, firstVisible(call, four) - position);
            int to = Math.min(BLOCK, endVisible(four) - position);
            if (from < to) {
                int at = four * SPAN + position - spanStart;
                AttentionKernels.values(
                        block, valuesAt, from, to, headSize, scores, at, SPAN, parts, four * partSize, partSize);
            }
        }
    }

    /** The first position that any of four rows sees. */
    private int firstVisible(AttentionCall call, int four) {
        return call.firstVisible(position(four));
    }

    /** One past the last position that any of four rows sees. */
    private int endVisible(int four) {
        return position(four + ROWS - 1) + 1;
    }

    private void write(AttentionCall call, int firstRow, int kvHead) {
        Matrix out = call.out();
        for (int row = 0; row < rows; row++) {
            int head = kvHead * group + row % group;
            long at = (firstRow + row / group) * out.rowBytes() + 4L * head * headSize;
            SoftmaxPart.write(totals, row * SoftmaxPart.size(headSize), headSize, out.data(), at);
        }
    }
}
