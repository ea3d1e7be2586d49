package lorikeet.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.text.DecodeStream;
import lorikeet.runtime.text.StopStrings;
import lorikeet.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** One choice of a request: collects its tokens and their text, and decides when it ends. */
final class ChoiceInTheMaking {
    private final Request request;
    private final int maxTokens;
    private final int index;
    private final int number;
    private final Set<Integer> endTokens;
    private final TokenListener listener;
    private final DecodeStream decoder;
    private final StopStrings.Stream stop;
    private final StringBuilder text = new StringBuilder();
    private final List<SampledToken> tokens = new ArrayList<>();
    private @Nullable FinishReason finish;

    ChoiceInTheMaking(
            Request request,
            int maxTokens,
            int index,
            int number,
            Tokenizer tokenizer,
            Set<Integer> endTokens,
            TokenListener listener) {
        this.request = request;
        this.maxTokens = maxTokens;
        this.index = index;
        this.number = number;
        this.endTokens = request.ignoreEnd() ? Set.of() : endTokens;
        this.listener = listener;
        this.decoder = tokenizer.decodeStream(!request.keepSpecial());
        this.stop = new StopStrings(request.stop(), request.keepStop()).stream();
    }

    /** Takes the next token; false if the text ends with it. */
    boolean onToken(SampledToken token) {
        tokens.add(token);
        String piece = advance(token.id());
        text.append(piece);
        if (!listener.onToken(new TokenEvent(index, number, token, piece, finish)) && finish == null) {
            finish = FinishReason.CANCELLED;
            text.append(rest());
        }
        return finish == null;
    }

    /** Notes a token and returns the text that became certain with it. */
    private String advance(int id) {
        if (endTokens.contains(id) || request.stopTokens().contains(id)) {
            finish = FinishReason.STOP;
            return request.keepStop() ? stop.push(decoder.push(id)) + rest() : rest();
        }
        String certain = stop.push(decoder.push(id));
        if (stop.stop().isPresent()) {
            finish = FinishReason.STOP;
        } else if (tokens.size() >= maxTokens) {
            certain += rest();
            finish = stop.stop().isPresent() ? FinishReason.STOP : FinishReason.LENGTH;
        }
        return certain;
    }

    /** The text that was held back, once no token can follow. */
    private String rest() {
        return stop.push(decoder.finish()) + stop.finish();
    }

    /** What it has become, after it has ended. */
    Choice choice() {
        if (finish == null) {
            finish = FinishReason.CANCELLED;
            text.append(rest());
        }
        return new Choice(text.toString(), tokens, finish, stop.stop().orElse(null));
    }
}
