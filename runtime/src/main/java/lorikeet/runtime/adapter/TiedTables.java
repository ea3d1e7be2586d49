package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import lorikeet.kernels.Delta;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.ModelWeights;
import org.jspecify.annotations.Nullable;

/** With tied weights, what changes the embedding table may change the head too, and the other way round. */
final class TiedTables {
    private final ModelWeights base;
    private final AdapterConfig config;
    private final Arena arena;

    /**
     * The changes of the two tables.
     *
     * @param embedding of the embedding table; null if it has none
     * @param head of the head; null if it has none
     */
    record Changes(@Nullable Delta embedding, @Nullable Delta head) {}

    /** Memory for what has to be computed comes from {@code arena}, the adapter's own. */
    TiedTables(ModelWeights base, AdapterConfig config, Arena arena) {
        this.base = base;
        this.config = config;
        this.arena = arena;
    }

    /** What becomes of the changes that the file has for the two tables. */
    Changes tie(Changes own) {
        Delta embedding = own.embedding;
        Delta head = own.head;
        if (embedding instanceof Delta.TokenRows && head == null && base.declaredTied()) {
            // For single tokens PEFT goes by the configuration, even where the file has two tables.
            return new Changes(embedding, embedding);
        }
        if ((embedding == null && head == null) || !base.tied()) {
            return own;
        }
        if (embedding instanceof Delta.Rebased || head instanceof Delta.Rebased) {
            throw new LorikeetException(
                    ErrorCode.INCOMPATIBLE,
                    "the adapter has a base_layer.weight that differs from the base model's, whose embedding table and"
                            + " head are tied; that is supported only where they are not");
        }
        if (embedding == null) {
            return own;
        }
        return head == null
                ? new Changes(embedding, headOf(embedding))
                : new Changes(embeddingOf(embedding, head), head);
    }

    /** What a change of the embedding table means for a head that has none of its own; null if it stays as it is. */
    private @Nullable Delta headOf(Delta embedding) {
        return switch (embedding) {
            case Delta.TokenRows rows -> rows;
            case Delta.Replacement whole -> config.tieHead() || !embeddingIsNamed() ? whole : null;
            case Delta.LowRankEmbedding low when low.magnitude() != null && config.tieHead() -> throw tiedMagnitudes();
            case Delta.LowRankEmbedding low ->
                config.tieHead()
                        ? new Delta.LowRank(transposed(low.b()), transposed(low.a()), low.scaling(), null, null)
                        : null;
            case Delta.Rebased moved -> throw new IllegalArgumentException("refused before");
            case Delta.LowRank low -> throw new IllegalArgumentException("not a change of an embedding table");
        };
    }

    /**
     * What the head's change makes of the embedding table's. Where PEFT ties both changes, they share their tensors, and
     * those of the head are read last.
     */
    private Delta embeddingOf(Delta embedding, Delta head) {
        if (config.tieHead() && embedding instanceof Delta.LowRankEmbedding && head instanceof Delta.LowRank low) {
            if (low.magnitude() != null) {
                throw tiedMagnitudes();
            }
            return new Delta.LowRankEmbedding(transposed(low.b()), transposed(low.a()), low.scaling(), null);
        }
        return embedding;
    }

    private static LorikeetException tiedMagnitudes() {
        return new LorikeetException(
                ErrorCode.INCOMPATIBLE,
                "use_dora together with ensure_weight_tying on the embedding table is not supported");
    }

    /** Without modules_to_save, a whole table in the file takes the place of the base model's, and so of the head. */
    private boolean embeddingIsNamed() {
        return config.replaces(ModelWeights.EMBEDDING);
    }

    private Matrix transposed(Matrix from) {
        MemorySegment data = arena.allocate((long) from.rows() * from.cols() * Float.BYTES, Long.BYTES);
        for (int row = 0; row < from.rows(); row++) {
            float[] values = Floats.toArray(from.rows(row, row + 1));
            for (int col = 0; col < from.cols(); col++) {
                data.setAtIndex(ValueLayout.JAVA_FLOAT, (long) col * from.rows() + row, values[col]);
            }
        }
        return new Matrix(data, ElementType.F32, from.cols(), from.rows());
    }
}
