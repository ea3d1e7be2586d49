package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Operations;
import lorikeet.memory.Matrix;
import lorikeet.memory.StoredWeights;
import lorikeet.memory.Tensor;
import lorikeet.runtime.adapter.TensorName.Part;
import lorikeet.runtime.model.BaseModule.Kind;
import org.jspecify.annotations.Nullable;

/** Turns the tensors for one module into the change that they make to it, after checking them against the module. */
final class ModuleChanges {
    /** With a whole weight PEFT may save the base model's, which it doesn't use then, and a second copy. */
    private static final Set<Part> WHOLE_PARTS =
            EnumSet.of(Part.WHOLE_WEIGHT, Part.WHOLE_WEIGHT_AGAIN, Part.REPLACED_WEIGHT);

    private static final Set<Part> LINEAR_PARTS =
            EnumSet.of(Part.LORA_A, Part.LORA_B, Part.LORA_BIAS, Part.MAGNITUDE, Part.BASE_WEIGHT);
    private static final Set<Part> EMBEDDING_PARTS =
            EnumSet.of(Part.EMBEDDING_A, Part.EMBEDDING_B, Part.MAGNITUDE, Part.BASE_WEIGHT);

    private final TokenRowChanges tokenRows;
    private final LowRankChanges lowRank;

    /** Memory for what has to be computed comes from {@code arena}, the adapter's own. */
    ModuleChanges(AdapterConfig config, Operations operations, Arena arena) {
        tokenRows = new TokenRowChanges(config, arena);
        lowRank = new LowRankChanges(config, operations, arena);
    }

    /**
     * The change of one module; null if the tensors are only a copy of the base model's.
     *
     * @param tied the configuration ties the base model's head and embedding table
     */
    @Nullable
    Delta of(ModuleTensors tensors, boolean tied) {
        if (tensors.has(Part.WHOLE_WEIGHT) && tensors.areAllOf(WHOLE_PARTS)) {
            return replacement(tensors);
        }
        if (tied && tokenRows.repeatTable(tensors)) {
            return null;
        }
        if (tokenRows.are(tensors)) {
            return tokenRows.of(tensors);
        }
        Matrix moved = movedWeight(tensors);
        if (tensors.areAllOf(EnumSet.of(Part.BASE_WEIGHT))) {
            return moved == null ? null : new Delta.Replacement(moved);
        }
        boolean embedding = tensors.module().kind() == Kind.EMBEDDING;
        refuseOthers(tensors, embedding ? EMBEDDING_PARTS : LINEAR_PARTS);
        Matrix weight = moved == null ? tensors.module().weight() : moved;
        Delta change = embedding ? lowRank.ofEmbedding(tensors, weight) : lowRank.ofLinear(tensors, weight);
        return moved == null ? change : new Delta.Rebased(moved, change);
    }

    private static Delta replacement(ModuleTensors tensors) {
        if (tensors.module().kind() == Kind.LINEAR) {
            throw AdapterLoader.incompatible(
                    tensors.required(Part.WHOLE_WEIGHT),
                    "replaces a linear layer; modules_to_save is supported for norms, the embedding table and the head");
        }
        return new Delta.Replacement(tensors.whole(Part.WHOLE_WEIGHT));
    }

    /**
     * The weight that the file has in place of the base model's: PEFT loads a stored copy over it. Null if there is none,
     * or if it is the same.
     */
    private static @Nullable Matrix movedWeight(ModuleTensors tensors) {
        if (!tensors.has(Part.BASE_WEIGHT)) {
            return null;
        }
        Matrix copy = tensors.whole(Part.BASE_WEIGHT);
        if (StoredWeights.same(copy, tensors.module().weight())) {
            return null;
        }
        if (tensors.module().kind() == Kind.LINEAR) {
            throw AdapterLoader.incompatible(
                    tensors.required(Part.BASE_WEIGHT),
                    "differs from the base model's weight: the adapter is for another base model");
        }
        return copy;
    }

    private static void refuseOthers(ModuleTensors tensors, Set<Part> accepted) {
        for (Map.Entry<Part, Tensor> part : tensors.parts().entrySet()) {
            if (tensors.module().kind() == Kind.NORM || !accepted.contains(part.getKey())) {
                throw AdapterLoader.incompatible(
                        part.getValue(), "does not fit the module, or the module's other tensors");
            }
        }
    }
}
