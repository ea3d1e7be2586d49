package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Operations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;
import lorikeet.memory.Shape;
import lorikeet.memory.StoredWeights;
import lorikeet.memory.Tensor;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.TensorName.Part;
import lorikeet.runtime.model.BaseModule;
import lorikeet.runtime.model.BaseModule.Kind;
import lorikeet.runtime.model.ModelWeights;
import org.jspecify.annotations.Nullable;

/** Turns the tensors for one module into the change that they make to it, after checking them against the module. */
final class ModuleChanges {
    /** With a whole weight PEFT may save the base model's, which it doesn't use then, and a second copy. */
    private static final Set<Part> WHOLE_PARTS =
            EnumSet.of(Part.WHOLE_WEIGHT, Part.WHOLE_WEIGHT_AGAIN, Part.REPLACED_WEIGHT);

    private static final Set<Part> TOKEN_PARTS = EnumSet.of(Part.TOKEN_ROWS, Part.TOKEN_BASE_WEIGHT);
    private static final Set<Part> LINEAR_PARTS =
            EnumSet.of(Part.LORA_A, Part.LORA_B, Part.LORA_BIAS, Part.MAGNITUDE, Part.BASE_WEIGHT);
    private static final Set<Part> EMBEDDING_PARTS =
            EnumSet.of(Part.EMBEDDING_A, Part.EMBEDDING_B, Part.MAGNITUDE, Part.BASE_WEIGHT);

    private static final String ADDED_TOKENS = "; added tokens are not supported";

    private final AdapterConfig config;
    private final Operations operations;
    private final Arena arena;

    /** Memory for what has to be computed comes from {@code arena}, the adapter's own. */
    ModuleChanges(AdapterConfig config, Operations operations, Arena arena) {
        this.config = config;
        this.operations = operations;
        this.arena = arena;
    }

    /** The change of one module; null if the tensors are only a copy of the base model's. */
    @Nullable
    Delta of(BaseModule module, Map<Part, Tensor> parts) {
        Set<Part> kinds = parts.keySet();
        if (kinds.contains(Part.WHOLE_WEIGHT) && WHOLE_PARTS.containsAll(kinds)) {
            return replacement(module, required(module, parts, Part.WHOLE_WEIGHT));
        }
        if (kinds.contains(Part.TOKEN_ROWS) && TOKEN_PARTS.containsAll(kinds)) {
            refuseMovedTable(module, parts.get(Part.TOKEN_BASE_WEIGHT));
            return tokenRows(module, required(module, parts, Part.TOKEN_ROWS));
        }
        Matrix moved = movedWeight(module, parts.get(Part.BASE_WEIGHT));
        if (kinds.equals(Set.of(Part.BASE_WEIGHT))) {
            return moved == null ? null : new Delta.Replacement(moved);
        }
        boolean embedding = module.kind() == Kind.EMBEDDING;
        Set<Part> accepted = embedding ? EMBEDDING_PARTS : LINEAR_PARTS;
        for (Map.Entry<Part, Tensor> part : parts.entrySet()) {
            if (module.kind() == Kind.NORM || !accepted.contains(part.getKey())) {
                throw AdapterLoader.incompatible(
                        part.getValue(), "does not fit the module, or the module's other tensors");
            }
        }
        Matrix weight = moved == null ? module.weight() : moved;
        Delta change = embedding ? embedding(module, weight, parts) : lowRank(module, weight, parts);
        return moved == null ? change : new Delta.Rebased(moved, change);
    }

    private Delta replacement(BaseModule module, Tensor tensor) {
        if (module.kind() == Kind.LINEAR) {
            throw AdapterLoader.incompatible(
                    tensor,
                    "replaces a linear layer; modules_to_save is supported for norms, the embedding table and the head");
        }
        return new Delta.Replacement(sameShape(module, tensor));
    }

    private static Matrix sameShape(BaseModule module, Tensor tensor) {
        Matrix weight = module.weight();
        Shape expected = module.kind() == Kind.NORM ? Shape.of(weight.cols()) : Shape.of(weight.rows(), weight.cols());
        if (!tensor.shape().equals(expected)) {
            throw AdapterLoader.incompatible(
                    tensor,
                    "has the shape " + tensor.shape() + ", the base model's is " + expected
                            + (addsTokens(module, tensor.shape(), expected) ? ADDED_TOKENS : ""));
        }
        return tensor.matrix();
    }

    /**
     * The weight that the file has in place of the base model's: PEFT loads a stored copy over it. Null if there is none,
     * or if it is the same.
     */
    private static @Nullable Matrix movedWeight(BaseModule module, @Nullable Tensor tensor) {
        if (tensor == null) {
            return null;
        }
        Matrix copy = sameShape(module, tensor);
        if (StoredWeights.same(copy, module.weight())) {
            return null;
        }
        if (module.kind() == Kind.LINEAR) {
            throw AdapterLoader.incompatible(
                    tensor, "differs from the base model's weight: the adapter is for another base model");
        }
        return copy;
    }

    /**
     * True if the tensors are what PEFT saves of a tied head whose table has rows for tokens: the table's rows once more,
     * which it doesn't read again.
     */
    boolean repeatsTable(BaseModule module, Map<Part, Tensor> parts) {
        return module.kind() == Kind.HEAD
                && parts.containsKey(Part.TOKEN_ROWS)
                && TOKEN_PARTS.containsAll(parts.keySet())
                && !config.tokens().isEmpty()
                && tokensOf(module).isEmpty();
    }

    /** Rows of some tokens on top of a stored copy of the table: it has to be the base model's. */
    private static void refuseMovedTable(BaseModule module, @Nullable Tensor tensor) {
        if (tensor != null && !StoredWeights.same(sameShape(module, tensor), module.weight())) {
            throw AdapterLoader.incompatible(
                    tensor, "differs from the base model's table; together with rows of tokens that is not supported");
        }
    }

    private Delta tokenRows(BaseModule module, Tensor tensor) {
        if (module.kind() != Kind.EMBEDDING && module.kind() != Kind.HEAD) {
            throw AdapterLoader.incompatible(tensor, "has rows for tokens, which the module doesn't have");
        }
        List<Integer> ids = tokensOf(module)
                .orElseThrow(() -> AdapterLoader.incompatible(
                        tensor, "has rows for tokens, but trainable_token_indices doesn't say for which"));
        Matrix rows = matrix(module, tensor, ids.size(), module.weight().cols(), "trainable_token_indices");
        int vocabulary = module.weight().rows();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw AdapterLoader.incompatible(
                        tensor, "changes token " + id + ", the base model has " + vocabulary + ADDED_TOKENS);
            }
        }
        return sorted(ids, rows);
    }

    private Optional<List<Integer>> tokensOf(BaseModule module) {
        for (Map.Entry<String, List<Integer>> entry : config.tokens().entrySet()) {
            boolean named = entry.getKey().isEmpty()
                    ? module.kind() == Kind.EMBEDDING
                    : AdapterConfig.isNamed(module.name(), entry.getKey());
            if (named) {
                return Optional.of(entry.getValue());
            }
        }
        return Optional.empty();
    }

    /** Rows in the order of their tokens' ids; where a token is named twice the last row counts, as in PyTorch. */
    private Delta sorted(List<Integer> ids, Matrix rows) {
        int[] order = IntStream.range(0, ids.size())
                .filter(i -> ids.lastIndexOf(ids.get(i)) == i)
                .boxed()
                .sorted((i, j) -> Integer.compare(ids.get(i), ids.get(j)))
                .mapToInt(Integer::intValue)
                .toArray();
        int[] tokens = IntStream.of(order).map(ids::get).toArray();
        MemorySegment data = arena.allocate(order.length * rows.rowBytes(), Long.BYTES);
        Matrix sorted = new Matrix(data, rows.type(), order.length, rows.cols());
        for (int i = 0; i < order.length; i++) {
            MemorySegment row = rows.rows(order[i], order[i] + 1).data();
            sorted.rows(i, i + 1).data().copyFrom(row);
        }
        return new Delta.TokenRows(tokens, sorted);
    }

    private Delta embedding(BaseModule module, Matrix weight, Map<Part, Tensor> parts) {
        int rank = config.rankOf(module.name());
        Matrix a =
                matrix(module, required(module, parts, Part.EMBEDDING_A), rank, weight.rows(), "r and the base model");
        Matrix b =
                matrix(module, required(module, parts, Part.EMBEDDING_B), weight.cols(), rank, "r and the base model");
        @Nullable
        Matrix magnitude = optional(module, parts, Part.MAGNITUDE, "use_dora", config.magnitudes(), weight.cols());
        Delta.LowRankEmbedding delta = new Delta.LowRankEmbedding(a, b, config.scalingOf(module.name()), null);
        if (magnitude == null) {
            return delta;
        }
        return new Delta.LowRankEmbedding(a, b, delta.scaling(), columnsNormalised(weight, delta, magnitude));
    }

    /** The magnitudes over the norms of the columns of {@code W + scaling (B A)ᵀ} (PEFT's DoraEmbeddingLayer). */
    private Matrix columnsNormalised(Matrix weight, Delta.LowRankEmbedding delta, Matrix magnitude) {
        double[] norms = EmbeddingNorms.columns(weight, delta);
        float[] magnitudes = Floats.toArray(magnitude);
        MemorySegment data = arena.allocate((long) norms.length * Float.BYTES, Long.BYTES);
        for (int i = 0; i < norms.length; i++) {
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (magnitudes[i] / norms[i]));
        }
        return new Matrix(data, ElementType.F32, 1, norms.length);
    }

    private Delta lowRank(BaseModule module, Matrix weight, Map<Part, Tensor> parts) {
        int rank = config.rankOf(module.name());
        int out = module.weight().rows();
        Matrix a = matrix(
                module,
                required(module, parts, Part.LORA_A),
                rank,
                module.weight().cols(),
                "r and the base model");
        Matrix b = matrix(module, required(module, parts, Part.LORA_B), out, rank, "r and the base model");
        @Nullable Matrix bias = optional(module, parts, Part.LORA_BIAS, "lora_bias", config.loraBias(), out);
        @Nullable Matrix magnitude = optional(module, parts, Part.MAGNITUDE, "use_dora", config.magnitudes(), out);
        Delta.LowRank delta = new Delta.LowRank(a, b, config.scalingOf(module.name()), bias, null);
        if (magnitude == null) {
            return delta;
        }
        return new Delta.LowRank(a, b, delta.scaling(), bias, normalised(weight, delta, magnitude));
    }

    /** The magnitudes over the norms of the rows of {@code W + scaling B A} (PEFT's DoraLinearLayer). */
    private Matrix normalised(Matrix weight, Delta.LowRank delta, Matrix magnitude) {
        int out = magnitude.cols();
        MemorySegment data = arena.allocate((long) out * Float.BYTES, Long.BYTES);
        Matrix result = new Matrix(data, ElementType.F32, 1, out);
        operations.rowNorms(weight, delta, result);
        float[] magnitudes = Floats.toArray(magnitude);
        for (int i = 0; i < out; i++) {
            float norm = data.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, magnitudes[i] / norm);
        }
        return result;
    }

    /** A row for each output that must be there exactly if the configuration says so. */
    private static @Nullable Matrix optional(
            BaseModule module, Map<Part, Tensor> parts, Part part, String field, boolean expected, int size) {
        Tensor tensor = parts.get(part);
        if (tensor != null && !expected) {
            throw AdapterLoader.incompatible(tensor, "is there, but " + field + " is false in adapter_config.json");
        }
        if (!expected) {
            return null;
        }
        Tensor found = required(module, parts, part);
        Shape shape = Shape.of(size);
        if (!found.shape().equals(shape)) {
            throw AdapterLoader.incompatible(
                    found, "has the shape " + found.shape() + ", the base model asks for " + shape);
        }
        return found.matrix();
    }

    private static Tensor required(BaseModule module, Map<Part, Tensor> parts, Part part) {
        Tensor tensor = parts.get(part);
        if (tensor == null) {
            throw AdapterLoader.incompatible(
                    parts.values().iterator().next(),
                    "is there without the " + part.name().toLowerCase(Locale.ROOT) + " tensor of " + module.name());
        }
        return tensor;
    }

    private static Matrix matrix(BaseModule module, Tensor tensor, int rows, int cols, String source) {
        Shape expected = Shape.of(rows, cols);
        if (!tensor.shape().equals(expected)) {
            throw AdapterLoader.incompatible(
                    tensor,
                    "has the shape " + tensor.shape() + ", " + source + " ask for " + expected
                            + (addsTokens(module, tensor.shape(), expected) ? ADDED_TOKENS : ""));
        }
        return tensor.matrix();
    }

    /** True if a shape has more tokens than it should, and is right otherwise. */
    private static boolean addsTokens(BaseModule module, Shape shape, Shape expected) {
        if (shape.rank() != 2 || (module.kind() != Kind.EMBEDDING && module.kind() != Kind.HEAD)) {
            return false;
        }
        int other = expected.dim(0) == module.weight().rows() ? 1 : 0;
        return shape.dim(other) == expected.dim(other)
                && shape.dim(1 - other) > module.weight().rows();
    }

    /** What a change of the embedding table means for a head that is tied to it; null if the head stays as it is. */
    @Nullable
    Delta tiedHead(Delta embedding) {
        return switch (embedding) {
            case Delta.TokenRows rows -> rows;
            case Delta.Replacement whole -> config.tieHead() || !embeddingIsNamed() ? whole : null;
            case Delta.LowRankEmbedding low when low.magnitude() != null && config.tieHead() -> throw tiedMagnitudes();
            case Delta.LowRankEmbedding low ->
                config.tieHead()
                        ? new Delta.LowRank(transposed(low.b()), transposed(low.a()), low.scaling(), null, null)
                        : null;
            case Delta.Rebased moved -> throw movedTable();
            case Delta.LowRank low -> throw new IllegalArgumentException("not a change of an embedding table");
        };
    }

    /**
     * What the change of the head means for the embedding table that it is tied to. Where PEFT ties both changes, they
     * share their tensors, and those of the head are read last. Null if the table's own change stays as it is.
     */
    @Nullable
    Delta tiedEmbedding(Delta embedding, Delta head) {
        if (embedding instanceof Delta.Rebased || head instanceof Delta.Rebased) {
            throw movedTable();
        }
        if (config.tieHead() && embedding instanceof Delta.LowRankEmbedding && head instanceof Delta.LowRank low) {
            if (low.magnitude() != null) {
                throw tiedMagnitudes();
            }
            return new Delta.LowRankEmbedding(transposed(low.b()), transposed(low.a()), low.scaling(), null);
        }
        return null;
    }

    private static LorikeetException tiedMagnitudes() {
        return new LorikeetException(
                ErrorCode.INCOMPATIBLE,
                "use_dora together with ensure_weight_tying on the embedding table is not supported");
    }

    /** The refusal of an adapter that moves one table which the embedding and the head share. */
    static LorikeetException movedTable() {
        return new LorikeetException(
                ErrorCode.INCOMPATIBLE,
                "the adapter has a base_layer.weight that differs from the base model's, whose embedding table and head"
                        + " are tied; that is supported only where they are not");
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
