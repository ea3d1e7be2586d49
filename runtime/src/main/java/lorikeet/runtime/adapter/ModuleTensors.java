package lorikeet.runtime.adapter;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import lorikeet.memory.Matrix;
import lorikeet.memory.Shape;
import lorikeet.memory.Tensor;
import lorikeet.runtime.adapter.TensorName.Part;
import lorikeet.runtime.model.BaseModule;
import lorikeet.runtime.model.BaseModule.Kind;
import org.jspecify.annotations.Nullable;

/**
 * The tensors that an adapter's file has for one module, checked against the module as they are taken. What doesn't fit
 * is refused by the tensor's name.
 *
 * @param module the base model's module
 * @param parts its tensors by what they are for, at least one
 */
record ModuleTensors(BaseModule module, Map<Part, Tensor> parts) {
    static final String ADDED_TOKENS = "; added tokens are not supported";

    private static final String SOURCE = "r and the base model ask for ";

    boolean has(Part part) {
        return parts.containsKey(part);
    }

    /** True if there are no others than these. */
    boolean areAllOf(Set<Part> accepted) {
        return accepted.containsAll(parts.keySet());
    }

    Tensor required(Part part) {
        Tensor tensor = parts.get(part);
        if (tensor == null) {
            throw AdapterLoader.incompatible(
                    parts.values().iterator().next(),
                    "is there without the " + part.name().toLowerCase(Locale.ROOT) + " tensor of " + module.name());
        }
        return tensor;
    }

    /** A tensor of a low-rank change. */
    Matrix lowRank(Part part, int rows, int cols) {
        return matrix(part, rows, cols, SOURCE);
    }

    /**
     * A tensor that must be there with this shape.
     *
     * @param source what asks for the shape, for the error
     */
    Matrix matrix(Part part, int rows, int cols, String source) {
        return shaped(required(part), Shape.of(rows, cols), source);
    }

    /** A tensor that must be there with the shape of the module's own weight. */
    Matrix whole(Part part) {
        Matrix weight = module.weight();
        Shape shape = module.kind() == Kind.NORM ? Shape.of(weight.cols()) : Shape.of(weight.rows(), weight.cols());
        return shaped(required(part), shape, "the base model's is ");
    }

    /**
     * A vector that must be there exactly if the configuration says so.
     *
     * @param field what says so
     * @return null where it doesn't
     */
    @Nullable
    Matrix vector(Part part, String field, boolean expected, int size) {
        Tensor tensor = parts.get(part);
        if (tensor != null && !expected) {
            throw AdapterLoader.incompatible(tensor, "is there, but " + field + " is false in adapter_config.json");
        }
        return expected ? shaped(required(part), Shape.of(size), "the base model asks for ") : null;
    }

    private Matrix shaped(Tensor tensor, Shape expected, String source) {
        if (!tensor.shape().equals(expected)) {
            throw AdapterLoader.incompatible(
                    tensor,
                    "has the shape " + tensor.shape() + ", " + source + expected
                            + (addsTokens(tensor.shape(), expected) ? ADDED_TOKENS : ""));
        }
        return tensor.matrix();
    }

    /** True if a shape has more tokens than it should, and is right otherwise. */
    private boolean addsTokens(Shape shape, Shape expected) {
        if (shape.rank() != 2
                || expected.rank() != 2
                || (module.kind() != Kind.EMBEDDING && module.kind() != Kind.HEAD)) {
            return false;
        }
        int vocabulary = module.weight().rows();
        int other = expected.dim(0) == vocabulary ? 1 : 0;
        return shape.dim(other) == expected.dim(other) && shape.dim(1 - other) > vocabulary;
    }
}
