package lorikeet.kernels.cpu;

import lorikeet.kernels.Delta;
import lorikeet.kernels.Norm;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;

/** Which weight a norm has for a group of rows. */
final class NormWeight {
    private NormWeight() {}

    /** The adapter's own weight if group {@code g} has one, else the base model's. */
    static Matrix of(Norm norm, RowGroups groups, int g) {
        return switch (groups.delta(g, norm.slot())) {
            case null -> norm.weight();
            case Delta.Replacement replacement -> replacement.weight();
            case Delta other ->
                throw new IllegalArgumentException(
                        "a norm can't be changed by " + other.getClass().getSimpleName());
        };
    }
}
