package lorikeet.runtime.server.sglang;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Choice;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.server.generation.Batch;
import lorikeet.runtime.server.generation.Failures;
import lorikeet.runtime.server.generation.Ids;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Endpoint;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.Refusal;
import lorikeet.runtime.server.http.Watch;

/** {@code POST /generate}: SGLang's native way to continue prompts. */
public final class GenerateEndpoint implements Endpoint {
    private final Serving serving;

    /** Continues prompts with a model. */
    public GenerateEndpoint(Serving serving) {
        this.serving = serving;
    }

    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        GenerateCall asked = GenerateCall.read(Json.object(call.jsonBody()), serving);
        List<Request> requests = asked.items().stream()
                .map(item -> item.request(serving.baseName()))
                .toList();
        try (Batch batch = serving.batch(asked.stream());
                Watch _ = call.whenGone(batch::cancel)) {
            batch.submit(requests);
            if (asked.stream()) {
                new GenerateStream(asked, serving).send(batch, call);
            } else {
                List<Generated> texts = texts(asked, batch.await());
                call.respond(200, asked.list() ? texts : texts.getFirst());
            }
        } catch (LorikeetException e) {
            throw refusal(e);
        }
    }

    private List<Generated> texts(GenerateCall asked, List<Answer> answers) {
        Writer writer = new Writer(asked, serving.texts());
        List<Generated> texts = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            for (Choice choice : answers.get(i).choices()) {
                texts.add(writer.done(asked.items().get(i), Ids.fresh(""), answers.get(i), choice, null));
            }
        }
        return texts;
    }

    /** SGLang tells of an unknown adapter in these words, and with this status. */
    static Refusal refusal(LorikeetException e) {
        return e.code() == ErrorCode.NOT_FOUND
                ? Refusal.invalid(
                        "lora_path", "Got LoRA adapter that has never been loaded, or was unloaded: " + e.getMessage())
                : Failures.refusal(e);
    }
}
