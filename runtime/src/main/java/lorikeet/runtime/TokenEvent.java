package lorikeet.runtime;

import lorikeet.kernels.SampledToken;
import org.jspecify.annotations.Nullable;

/**
 * A token as it was generated.
 *
 * @param request the request's place in the list that was given to generate
 * @param choice which of the request's choices
 * @param token the token
 * @param text the text that became certain with it: may be empty, or hold text of earlier tokens
 * @param finish why the text ended, null while it goes on
 */
public record TokenEvent(
        int request,
        int choice,
        SampledToken token,
        String text,
        @Nullable FinishReason finish) {}
