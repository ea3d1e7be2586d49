package lorikeet.runtime.server.openai;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Choice;
import lorikeet.runtime.server.generation.Batch;
import lorikeet.runtime.server.generation.Ids;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Endpoint;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.Watch;

/** {@code POST /v1/chat/completions}: answers conversations. */
public final class ChatEndpoint implements Endpoint {
    private final Serving serving;

    /** Answers with a model. */
    public ChatEndpoint(Serving serving) {
        this.serving = serving;
    }

    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        ChatCall asked = ChatCall.read(Json.object(call.jsonBody()), serving);
        try (Batch batch = serving.batch(asked.stream());
                Watch _ = call.whenGone(batch::cancel)) {
            batch.submit(List.of(asked.request()));
            if (asked.stream()) {
                ChunkStream.send(batch, call, new ChatChunks(asked, serving));
            } else {
                call.respond(200, completion(asked, batch.await()));
            }
        }
    }

    private ChatCompletion completion(ChatCall asked, List<Answer> answers) {
        List<ChatCompletion.Choice> choices = new ArrayList<>();
        for (Choice choice : answers.getFirst().choices()) {
            choices.add(new ChatCompletion.Choice(
                    choices.size(),
                    new ChatCompletion.Message("assistant", choice.text(), null),
                    asked.logProbs() ? ChatLogProbs.of(choice.tokens(), serving.texts()) : null,
                    FinishReasons.of(choice.finish())));
        }
        return new ChatCompletion(
                Ids.fresh("chatcmpl-"),
                ChatCompletion.OBJECT,
                Serving.now(),
                asked.modelText(),
                choices,
                Usage.of(answers, true));
    }
}
