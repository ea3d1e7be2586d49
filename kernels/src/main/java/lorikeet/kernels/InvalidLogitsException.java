package lorikeet.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of logits have no token to choose: they hold a NaN or a positive infinity, or nothing but negative
 * infinities. The weights of the model or of a sequence's adapter are broken, or their numbers too large.
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

    /** Returns {@code tokens} if there is one for each row. */
    public static List<SampledToken> requireAll(List<@Nullable SampledToken> tokens) {
        List<SampledToken> found = new ArrayList<>(tokens.size());
        List<Integer> invalid = new ArrayList<>();
        for (int row = 0; row < tokens.size(); row++) {
            SampledToken token = tokens.get(row);
            if (token == null) {
                invalid.add(row);
            } else {
                found.add(token);
            }
        }
        if (!invalid.isEmpty()) {
            throw new InvalidLogitsException(invalid);
        }
        return found;
    }

    /** The rows, ascending. */
    public List<Integer> rows() {
        return Arrays.stream(rows).boxed().toList();
    }
}
