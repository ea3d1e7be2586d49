package lorikeet.runtime;

import java.util.List;
import lorikeet.kernels.SampledToken;
import org.jspecify.annotations.Nullable;

/**
 * One continuation of a prompt.
 *
 * @param text the text, without special tokens and without what ended it
 * @param tokens the tokens, the one that ended the text included
 * @param finish why it ended
 * @param stop the stop string that ended it, or null
 */
public record Choice(
        String text,
        List<SampledToken> tokens,
        FinishReason finish,
        @Nullable String stop) {
    public Choice {
        tokens = List.copyOf(tokens);
    }
}
