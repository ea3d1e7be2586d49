package lorikeet.kernels.cpu;

import java.util.ArrayList;
import java.util.List;
import lorikeet.kernels.Batch;

/**
 * How the attention of a step is shared out. Prompt chunks are cut into tiles of neighbouring queries; a single query
 * with a long context is cut along its context, whose parts are merged afterwards. What the parts take is small against
 * the keys and values they are computed from.
 *
 * @param tiles queries that see all their tokens at once
 * @param parts single queries with one span of their tokens
 * @param merges single queries whose parts are to be merged
 */
record AttentionPlan(List<Tile> tiles, List<Part> parts, List<Merge> merges) {
    /** The rows {@code from} (inclusive) to {@code to} (exclusive) of the step, all of one sequence. */
    record Tile(int sequence, int from, int to) {}

    /** One row with the tokens of one span. */
    record Part(int sequence, int row, int span) {}

    /** One row with the range of its parts. */
    record Merge(int row, int firstPart, int endPart) {}

    /** Plans a step for layers with this window and tiles of at most {@code tileQueries} queries. */
    static AttentionPlan of(Batch batch, int window, int tileQueries) {
        List<Tile> tiles = new ArrayList<>();
        List<Part> parts = new ArrayList<>();
        List<Merge> merges = new ArrayList<>();
        for (int s = 0; s < batch.sequences(); s++) {
            int from = batch.sequenceStart(s);
            int end = batch.sequenceEnd(s);
            int position = batch.position(from);
            int firstSpan = AttentionCall.firstVisible(position, window) / AttentionTile.SPAN;
            int lastSpan = position / AttentionTile.SPAN;
            if (end - from == 1 && lastSpan > firstSpan) {
                merges.add(new Merge(from, parts.size(), parts.size() + lastSpan - firstSpan + 1));
                for (int span = firstSpan; span <= lastSpan; span++) {
                    parts.add(new Part(s, from, span));
                }
            } else {
                for (int row = from; row < end; row += tileQueries) {
                    tiles.add(new Tile(s, row, Math.min(row + tileQueries, end)));
                }
            }
        }
        return new AttentionPlan(tiles, parts, merges);
    }
}
