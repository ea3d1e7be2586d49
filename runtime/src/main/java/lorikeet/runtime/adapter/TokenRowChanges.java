package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import lorikeet.kernels.Delta;
import lorikeet.memory.Matrix;
import lorikeet.memory.StoredWeights;
import lorikeet.memory.Tensor;
import lorikeet.runtime.adapter.TensorName.Part;
import lorikeet.runtime.model.BaseModule;
import lorikeet.runtime.model.BaseModule.Kind;

/** Rows of their own for some tokens of the embedding table or the head ({@code trainable_token_indices}). */
final class TokenRowChanges {
    private static final Set<Part> PARTS = EnumSet.of(Part.TOKEN_ROWS, Part.TOKEN_BASE_WEIGHT);

    private final AdapterConfig config;
    private final Arena arena;

    /** Memory for the rows comes from {@code arena}, the adapter's own. */
    TokenRowChanges(AdapterConfig config, Arena arena) {
        this.config = config;
        this.arena = arena;
    }

    /** True if a module's tensors are rows for tokens. */
    boolean are(ModuleTensors tensors) {
        return tensors.has(Part.TOKEN_ROWS) && tensors.areAllOf(PARTS);
    }

    /**
     * True if the tensors are what PEFT saves of a tied head whose table has rows for tokens: the table's rows once more,
     * which it doesn't read again.
     */
    boolean repeatTable(ModuleTensors tensors) {
        return are(tensors)
                && tensors.module().kind() == Kind.HEAD
                && !config.tokens().isEmpty()
                && tokensOf(tensors.module()).isEmpty();
    }

    Delta of(ModuleTensors tensors) {
        refuseMovedTable(tensors);
        BaseModule module = tensors.module();
        Tensor tensor = tensors.required(Part.TOKEN_ROWS);
        if (module.kind() != Kind.EMBEDDING && module.kind() != Kind.HEAD) {
            throw AdapterLoader.incompatible(tensor, "has rows for tokens, which the module doesn't have");
        }
        List<Integer> ids = tokensOf(module)
                .orElseThrow(() -> AdapterLoader.incompatible(
                        tensor, "has rows for tokens, but trainable_token_indices doesn't say for which"));
        Matrix rows =
                tensors.matrix(Part.TOKEN_ROWS, ids.size(), module.weight().cols(), "trainable_token_indices ask for ");
        int vocabulary = module.weight().rows();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw AdapterLoader.incompatible(
                        tensor,
                        "changes token " + id + ", the base model has " + vocabulary + ModuleTensors.ADDED_TOKENS);
            }
        }
        return sorted(ids, rows);
    }

    /** Rows of some tokens on top of a stored copy of the table: it has to be the base model's. */
    private static void refuseMovedTable(ModuleTensors tensors) {
        if (tensors.has(Part.TOKEN_BASE_WEIGHT)
                && !StoredWeights.same(
                        tensors.whole(Part.TOKEN_BASE_WEIGHT), tensors.module().weight())) {
            throw AdapterLoader.incompatible(
                    tensors.required(Part.TOKEN_BASE_WEIGHT),
                    "differs from the base model's table; together with rows of tokens that is not supported");
        }
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
}
