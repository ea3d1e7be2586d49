package lorikeet.kernels.cpu;

import lorikeet.kernels.Batch;
import lorikeet.kernels.RotaryFrequencies;

/** The cosines and sines of the rotary embedding for each token of a step; reused from step to step. */
final class RotaryTurns {
    /** Tokens of one task: a cosine takes some tens of nanoseconds. */
    private static final int TASK_TOKENS = 8;

    /** {@code [tokens][cosine, sine][width]}. */
    private float[] table = new float[0];

    private int width;
    private int[] sequences = new int[0];
    private int[] pairs = new int[0];

    /** Fills the table for the tokens of this step. */
    void fill(Batch batch, WorkerPool pool) {
        if (sequences.length < batch.tokens()) {
            sequences = new int[batch.tokens()];
            pairs = new int[batch.tokens()];
        }
        width = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            int length = batch.rotary(s).inverse().length;
            width = Math.max(width, length);
            for (int token = batch.sequenceStart(s); token < batch.sequenceEnd(s); token++) {
                sequences[token] = s;
                pairs[token] = length;
            }
        }
        int needed = Math.multiplyExact(batch.tokens(), 2 * width);
        if (table.length < needed) {
            table = new float[needed];
        }
        pool.run(Math.ceilDiv(batch.tokens(), TASK_TOKENS), (index, worker) -> {
            int from = index * TASK_TOKENS;
            int to = Math.min(from + TASK_TOKENS, batch.tokens());
            for (int token = from; token < to; token++) {
                fill(token, batch.position(token), batch.rotary(sequences[token]));
            }
        });
    }

    private void fill(int token, int position, RotaryFrequencies frequencies) {
        float[] inverse = frequencies.inverse();
        for (int i = 0; i < inverse.length; i++) {
            // The angle is a product of float32 numbers, as in Transformers. StrictMath gives the same bits everywhere.
            double angle = position * inverse[i];
            table[cosines(token) + i] = (float) StrictMath.cos(angle) * frequencies.scaling();
            table[sines(token) + i] = (float) StrictMath.sin(angle) * frequencies.scaling();
        }
    }

    /** The sequence that this token belongs to. */
    int sequence(int token) {
        return sequences[token];
    }

    /** Number of component pairs that are turned. */
    int pairs(int token) {
        return pairs[token];
    }

    /** Where the cosines and sines are. */
    float[] table() {
        return table;
    }

    /** Where the cosines of this token begin in the table. */
    int cosines(int token) {
        return token * 2 * width;
    }

    /** Where the sines of this token begin in the table. */
    int sines(int token) {
        return cosines(token) + width;
    }
}
