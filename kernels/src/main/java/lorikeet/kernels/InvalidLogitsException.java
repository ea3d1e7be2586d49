package lorikeet.kernels;

import java.util.Arrays;
import java.util.List;

/**
 * Some rows of logits have no token to choose: they hold a NaN or a positive infinity, or nothing but negative
 * infinities. The weights of the model or of a sequence's adapter are broken, or their numbers too large. No sequence's
 * state has changed; the other rows can be sampled once these are left out.
 */
public final class InvalidLogitsException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The rows, ascending. */
    private final int[] rows;

    /** Makes the exception for these rows, ascending. */
    public InvalidLogitsException(List<Integer> rows) {
        super("the logits of rows " + rows + " hold a NaN or an infinity, or are all negative infinities");
        this.rows = rows.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The rows, ascending. */
    public List<Integer> rows() {
        return Arrays.stream(rows).boxed().toList();
    }
}
