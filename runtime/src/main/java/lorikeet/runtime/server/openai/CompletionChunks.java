package lorikeet.runtime.server.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lorikeet.runtime.Answer;
import lorikeet.runtime.FinishReason;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.server.generation.Ids;
import lorikeet.runtime.server.generation.Serving;
import org.jspecify.annotations.Nullable;

/** The chunks of a streamed completion. */
final class CompletionChunks implements ChunkStream.Chunks {
    private final CompletionCall asked;
    private final Serving serving;
    private final String id = Ids.fresh("cmpl-");
    private final long created = Serving.now();
    private final List<CompletionLogProbs.Builder> logProbs = new ArrayList<>();
    private final boolean[] begun;

    CompletionChunks(CompletionCall asked, Serving serving) {
        this.asked = asked;
        this.serving = serving;
        int choices = asked.prompts().size() * asked.sampling().choices();
        for (int i = 0; i < choices; i++) {
            logProbs.add(new CompletionLogProbs.Builder(serving.texts()));
        }
        this.begun = new boolean[choices];
    }

    @Override
    public Optional<Completion> token(int prompt, TokenEvent event) {
        int index = prompt * asked.sampling().choices() + event.choice();
        boolean continued = asked.continued();
        String text = continued ? event.text() : "";
        if (asked.echo() && !begun[index]) {
            text = asked.promptText(prompt, serving) + text;
        }
        begun[index] = true;
        CompletionLogProbs probs = null;
        if (asked.logProbs().isPresent()) {
            logProbs.get(index).add(event.token());
            probs = logProbs.get(index).take();
        }
        if (text.isEmpty() && probs == null && event.finish() == null) {
            return Optional.empty();
        }
        return Optional.of(chunk(
                List.of(new Completion.Choice(
                        index, text, probs, continued ? FinishReasons.of(event.finish()) : lengthAtEnd(event))),
                asked.includeUsage() ? Usage.LATER : null));
    }

    private static @Nullable String lengthAtEnd(TokenEvent event) {
        return event.finish() == null ? null : FinishReasons.of(FinishReason.LENGTH);
    }

    @Override
    public Optional<Completion> usage(List<Answer> answers) {
        return asked.includeUsage()
                ? Optional.of(chunk(List.of(), Usage.of(answers, asked.continued())))
                : Optional.empty();
    }

    private Completion chunk(List<Completion.Choice> choices, @Nullable Object usage) {
        return new Completion(id, Completion.OBJECT, created, asked.modelText(), choices, usage);
    }
}
