package lorikeet.runtime.server.openai;

import java.util.List;
import java.util.Optional;
import lorikeet.runtime.Answer;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.server.generation.Ids;
import lorikeet.runtime.server.generation.Serving;
import org.jspecify.annotations.Nullable;

/** The chunks of a streamed chat completion. */
final class ChatChunks implements ChunkStream.Chunks {
    private final ChatCall asked;
    private final Serving serving;
    private final String id = Ids.fresh("chatcmpl-");
    private final long created = Serving.now();
    private final boolean[] begun;

    ChatChunks(ChatCall asked, Serving serving) {
        this.asked = asked;
        this.serving = serving;
        this.begun = new boolean[asked.sampling().choices()];
    }

    @Override
    public Optional<ChatChunk> token(int prompt, TokenEvent event) {
        int index = event.choice();
        if (begun[index] && event.text().isEmpty() && !asked.logProbs() && event.finish() == null) {
            return Optional.empty();
        }
        String role = begun[index] ? null : "assistant";
        begun[index] = true;
        ChatLogProbs logProbs = asked.logProbs() ? ChatLogProbs.of(List.of(event.token()), serving.texts()) : null;
        return Optional.of(chunk(
                List.of(new ChatChunk.Choice(
                        index, new ChatChunk.Delta(role, event.text()), logProbs, FinishReasons.of(event.finish()))),
                asked.includeUsage() ? Usage.LATER : null));
    }

    @Override
    public Optional<ChatChunk> usage(List<Answer> answers) {
        return asked.includeUsage() ? Optional.of(chunk(List.of(), Usage.of(answers, true))) : Optional.empty();
    }

    private ChatChunk chunk(List<ChatChunk.Choice> choices, @Nullable Object usage) {
        return new ChatChunk(id, ChatChunk.OBJECT, created, asked.modelText(), choices, usage);
    }
}
