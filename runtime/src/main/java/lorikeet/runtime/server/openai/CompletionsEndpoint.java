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
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/completions}: continues prompts. */
public final class CompletionsEndpoint implements Endpoint {
    private final Serving serving;

    /** Continues prompts with a model. */
    public CompletionsEndpoint(Serving serving) {
        this.serving = serving;
    }

    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        CompletionCall asked = CompletionCall.read(Json.object(call.jsonBody()), serving);
        try (Batch batch = serving.batch(asked.stream());
                Watch _ = call.whenGone(batch::cancel)) {
            batch.submit(asked.requests());
            if (asked.stream()) {
                ChunkStream.send(batch, call, new CompletionChunks(asked, serving));
            } else {
                call.respond(200, completion(asked, batch.await()));
            }
        }
    }

    private Completion completion(CompletionCall asked, List<Answer> answers) {
        List<Completion.Choice> choices = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            for (Choice choice : answers.get(i).choices()) {
                choices.add(choice(asked, i, answers.get(i), choice, choices.size()));
            }
        }
        return new Completion(
                Ids.fresh("cmpl-"),
                Completion.OBJECT,
                Serving.now(),
                asked.modelText(),
                choices,
                Usage.of(answers, asked.continued()));
    }

    private Completion.Choice choice(CompletionCall asked, int prompt, Answer answer, Choice choice, int index) {
        boolean continued = asked.continued();
        String text = (asked.echo() ? asked.promptText(prompt, serving) : "") + (continued ? choice.text() : "");
        return new Completion.Choice(
                index,
                text,
                logProbs(asked, answer, choice, continued),
                continued ? FinishReasons.of(choice.finish()) : "length");
    }

    private @Nullable CompletionLogProbs logProbs(
            CompletionCall asked, Answer answer, Choice choice, boolean continued) {
        if (asked.logProbs().isEmpty()) {
            return null;
        }
        CompletionLogProbs.Builder builder = new CompletionLogProbs.Builder(serving.texts());
        if (asked.echo()) {
            builder.addBare(answer.promptTokens().getFirst());
            answer.promptScores().forEach(builder::add);
        }
        if (continued) {
            choice.tokens().forEach(builder::add);
        }
        return builder.take();
    }
}
