package lorikeet.kernels.cuda;

import lorikeet.kernels.Batch;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.RowGroups;

/**
 * What launches need to know of the step that is being made: bounds for their grids. Those of a step that is recorded are
 * the bounds of all steps that the recording may be replayed for.
 */
final class CurrentStep {
    /** Up to so many rows, the kernels for few rows are used. */
    private static final int FEW_ROWS = 256;

    private final Batch batch;
    private final KvLayout layout;
    private final long address;
    private final int rung;
    private final boolean invariant;
    private final boolean adapted;
    private final boolean singles;

    /**
     * Describes a step.
     *
     * @param address the device address of its description
     * @param rung the rows that it is recorded for, or 0 if it isn't
     * @param invariant see {@link #invariant}
     */
    CurrentStep(Batch batch, KvLayout layout, long address, int rung, boolean invariant) {
        this.batch = batch;
        this.layout = layout;
        this.address = address;
        this.rung = rung;
        this.invariant = invariant;
        this.adapted = adapted(batch.tokenGroups());
        boolean single = false;
        for (int s = 0; s < batch.sequences() && !single; s++) {
            single = batch.sequenceEnd(s) - batch.sequenceStart(s) == 1;
        }
        this.singles = single;
    }

    /** Whether any row has an adapter. */
    static boolean adapted(RowGroups groups) {
        for (int g = 0; g < groups.count(); g++) {
            if (groups.adapter(g) != null) {
                return true;
            }
        }
        return false;
    }

    /** Whether any output's adapter changes the head. */
    static boolean headAdapted(RowGroups outputGroups, int headSlot) {
        for (int g = 0; g < outputGroups.count(); g++) {
            if (outputGroups.delta(g, headSlot) != null) {
                return true;
            }
        }
        return false;
    }

    /** Whether every sequence has one token, whose logits are wanted. */
    static boolean isDecode(Batch batch) {
        return batch.tokens() == batch.sequences() && batch.outputs() == batch.tokens();
    }

    Batch batch() {
        return batch;
    }

    KvLayout layout() {
        return layout;
    }

    /** The device address of the step's description. */
    long address() {
        return address;
    }

    boolean adapted() {
        return adapted;
    }

    /** Whether the bits of a row must not depend on what else is in the step. */
    boolean invariant() {
        return invariant;
    }

    /** Whether the kernels for many rows are used. */
    boolean prompt() {
        return rung == 0 && !invariant && batch.tokens() > FEW_ROWS;
    }

    /** The most tokens. */
    int tokens() {
        return rung > 0 ? rung : batch.tokens();
    }

    /** The most outputs. */
    int outputs() {
        return rung > 0 ? rung : batch.outputs();
    }

    /** The rows that a product computes, a few more than there are tokens. */
    int tokenRows() {
        return rung > 0 ? rung : Products.roundedRows(batch.tokens());
    }

    /** The rows that the head's product computes. */
    int outputRows() {
        return rung > 0 ? rung : Products.roundedRows(batch.outputs());
    }

    /** The most sequences with a single token. */
    int singleSequences() {
        return rung > 0 ? rung : singles ? batch.sequences() : 0;
    }

    /** The most tiles, of all groups. */
    int tiles() {
        return rung > 0 ? rung : tiles(batch.tokenGroups());
    }

    /** The most tiles of outputs. */
    int outputTiles() {
        return rung > 0 ? rung : tiles(batch.outputGroups());
    }

    private static int tiles(RowGroups groups) {
        int tiles = 0;
        for (int g = 0; g < groups.count(); g++) {
            tiles += Math.ceilDiv(groups.end(g) - groups.start(g), StepBuffer.TILE_ROWS);
        }
        return tiles;
    }
}
