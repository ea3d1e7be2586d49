package lorikeet.kernels;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tokens that are being chosen. Belongs to the thread that owns the device. */
public interface Sampling {
    /**
     * Waits for the tokens, and for all that was asked of the device before them. Called once for each, in the order in
     * which they were started.
     *
     * @return one for each row; null where the row holds a NaN or a positive infinity, or nothing but negative infinities:
     *     the weights of the model or of the sequence's adapter are broken, or their numbers too large
     */
    List<@Nullable SampledToken> await();
}
