package lorikeet.kernels;

import java.util.Objects;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** A change that an adapter makes to one layer of the base model. */
public sealed interface Delta {
    /** The same change with other matrices in place of its own. They are given to {@code mapping} in a fixed order. */
    Delta map(Mapping mapping);

    /** Gives a matrix of the same shape for each matrix of a change: a copy in other memory, for example. */
    interface Mapping {
        /** For what has the precision of weights. */
        Matrix weight(Matrix matrix);

        /** For magnitudes, which stay F32. */
        Matrix magnitude(Matrix matrix);

        /** For an optional weight. */
        default @Nullable Matrix weightOrNull(@Nullable Matrix matrix) {
            return matrix == null ? null : weight(matrix);
        }

        /** For an optional magnitude. */
        default @Nullable Matrix magnitudeOrNull(@Nullable Matrix matrix) {
            return matrix == null ? null : magnitude(matrix);
        }
    }

    /**
     * A low-rank change of a linear layer, as PEFT stores it (https://arxiv.org/abs/2106.09685).
     *
     * <p>Without {@code magnitude} the layer gives {@code W x + bias + scaling (B A x + loraBias)}. With it (DoRA,
     * https://arxiv.org/abs/2402.09353) it gives {@code magnitude ∘ (W x + scaling (B A x + loraBias)) + bias}, where
     * {@code magnitude} is already divided by the row norms of {@code W + scaling B A}.
     *
     * @param a {@code [rank, in]}
     * @param b {@code [out, rank]}
     * @param scaling the factor of the product
     * @param loraBias {@code [1, out]}, or null
     * @param magnitude {@code [1, out]} in F32, or null
     */
    record LowRank(
            Matrix a,
            Matrix b,
            float scaling,
            @Nullable Matrix loraBias,
            @Nullable Matrix magnitude) implements Delta {
        public LowRank {
            if (a.rows() != b.cols()) {
                throw new IllegalArgumentException("A has rank " + a.rows() + ", B has rank " + b.cols());
            }
        }

        /** The adapter's rank for this layer. */
        public int rank() {
            return a.rows();
        }

        @Override
        public LowRank map(Mapping mapping) {
            return new LowRank(
                    mapping.weight(a),
                    mapping.weight(b),
                    scaling,
                    mapping.weightOrNull(loraBias),
                    mapping.magnitudeOrNull(magnitude));
        }
    }

    /**
     * A low-rank change of the embedding table: token {@code t} gets {@code W[t] + scaling B A[:, t]}, with DoRA
     * multiplied by {@code magnitude}.
     *
     * @param a {@code [rank, vocabulary]}
     * @param b {@code [hidden, rank]}
     * @param scaling the factor of the product
     * @param magnitude {@code [1, hidden]} in F32, already divided by the norms of the columns of
     *     {@code W + scaling (B A)ᵀ}; or null
     */
    record LowRankEmbedding(
            Matrix a, Matrix b, float scaling, @Nullable Matrix magnitude) implements Delta {
        public LowRankEmbedding {
            if (a.rows() != b.cols()) {
                throw new IllegalArgumentException("A has rank " + a.rows() + ", B has rank " + b.cols());
            }
        }

        @Override
        public LowRankEmbedding map(Mapping mapping) {
            return new LowRankEmbedding(
                    mapping.weight(a), mapping.weight(b), scaling, mapping.magnitudeOrNull(magnitude));
        }
    }

    /**
     * Another weight in place of the base model's: of a norm {@code [1, hidden]}, of the head or the embedding table
     * {@code [vocabulary, hidden]}.
     */
    record Replacement(Matrix weight) implements Delta {
        public Replacement {
            Objects.requireNonNull(weight);
        }

        @Override
        public Replacement map(Mapping mapping) {
            return new Replacement(mapping.weight(weight));
        }
    }

    /**
     * Another weight in place of the base model's, with a low-rank change on top: of the head or the embedding table.
     *
     * @param weight {@code [vocabulary, hidden]}
     * @param change a {@link LowRank} of the head, a {@link LowRankEmbedding} of the table
     */
    record Rebased(Matrix weight, Delta change) implements Delta {
        public Rebased {
            Objects.requireNonNull(weight);
            if (!(change instanceof LowRank) && !(change instanceof LowRankEmbedding)) {
                throw new IllegalArgumentException(
                        "a " + change.getClass().getSimpleName() + " on top of another weight");
            }
        }

        @Override
        public Rebased map(Mapping mapping) {
            return new Rebased(mapping.weight(weight), change.map(mapping));
        }
    }

    /**
     * Other rows for some tokens, in the embedding table or (with tied weights) in the head.
     *
     * @param tokens the tokens' ids, ascending; owned by this record
     * @param rows {@code [tokens.length, hidden]}
     */
    @SuppressWarnings("ArrayRecordComponent") // Never compared; a list would box every id.
    record TokenRows(int[] tokens, Matrix rows) implements Delta {
        public TokenRows {
            if (tokens.length != rows.rows()) {
                throw new IllegalArgumentException(tokens.length + " tokens for " + rows.rows() + " rows");
            }
        }

        @Override
        public TokenRows map(Mapping mapping) {
            return new TokenRows(tokens, mapping.weight(rows));
        }
    }
}
