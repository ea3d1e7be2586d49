package lorikeet.runtime.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.ToLongFunction;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import org.jspecify.annotations.Nullable;

/** A step as it was described at its launch; the engine may change all it was described with meanwhile. */
final class FakeStep {
    private final KvCache cache;
    private final int number;
    private final int[] ids;
    private final int[] positions;
    private final long[] adapters;
    private final int[][] tables;
    private final int[] outputRows;

    /** What is stored for a token. */
    interface Keys {
        int key(int id, long adapter);
    }

    FakeStep(Batch batch, KvCache cache, ToLongFunction<@Nullable AdapterWeights> idOf, int number) {
        this.cache = cache;
        this.number = number;
        ids = new int[batch.tokens()];
        positions = new int[batch.tokens()];
        adapters = new long[batch.tokens()];
        tables = new int[batch.tokens()][];
        int group = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            int[] table = batch.blockTable(s).clone();
            for (int row = batch.sequenceStart(s); row < batch.sequenceEnd(s); row++) {
                while (row >= batch.tokenGroups().end(group)) {
                    group++;
                }
                ids[row] = batch.id(row);
                positions[row] = batch.position(row);
                adapters[row] = idOf.applyAsLong(batch.tokenGroups().adapter(group));
                tables[row] = table;
            }
        }
        outputRows = new int[batch.outputs()];
        for (int output = 0; output < outputRows.length; output++) {
            outputRows[output] = batch.outputRow(output);
        }
    }

    int number() {
        return number;
    }

    int outputs() {
        return outputRows.length;
    }

    /** The id of the last token of the text that an output is for. */
    int lastId(int output) {
        return ids[outputRows[output]];
    }

    /** Writes the keys of the step's tokens. */
    void store(Keys keys) {
        for (int row = 0; row < ids.length; row++) {
            slot(row, positions[row]).set(ValueLayout.JAVA_INT, 0, keys.key(ids[row], adapters[row]));
        }
    }

    /** The keys of the text that an output is for, as the blocks have them. */
    int[] keys(int output) {
        int row = outputRows[output];
        int[] keys = new int[positions[row] + 1];
        for (int position = 0; position < keys.length; position++) {
            keys[position] = slot(row, position).get(ValueLayout.JAVA_INT, 0);
        }
        return keys;
    }

    private MemorySegment slot(int row, int position) {
        int block = tables[row][position / KvLayout.BLOCK_TOKENS];
        return cache.block(block).asSlice(4L * (position % KvLayout.BLOCK_TOKENS), 4);
    }
}
