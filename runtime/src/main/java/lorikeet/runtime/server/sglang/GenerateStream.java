package lorikeet.runtime.server.sglang;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.Answer;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.server.generation.Batch;
import lorikeet.runtime.server.generation.Event;
import lorikeet.runtime.server.generation.Ids;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.ErrorBody;
import lorikeet.runtime.server.http.EventStream;
import org.jspecify.annotations.Nullable;

/** Streams texts as SGLang does: each event holds the whole text so far. */
final class GenerateStream {
    private final GenerateCall asked;
    private final Writer writer;
    private final List<Growing> texts = new ArrayList<>();
    private final int[] firstText;

    /** A text that grows. */
    private static final class Growing {
        private final String id = Ids.fresh("");
        private final StringBuilder text = new StringBuilder();
        private final List<SampledToken> tokens = new ArrayList<>();
    }

    GenerateStream(GenerateCall asked, Serving serving) {
        this.asked = asked;
        this.writer = new Writer(asked, serving.texts());
        this.firstText = new int[asked.items().size()];
        for (int i = 0; i < firstText.length; i++) {
            firstText[i] = texts.size();
            for (int j = 0; j < asked.items().get(i).sampling().choices(); j++) {
                texts.add(new Growing());
            }
        }
    }

    void send(Batch batch, Call call) throws IOException, InterruptedException {
        Event event = batch.next();
        if (event instanceof Event.Failed failed) {
            throw failed.failure();
        }
        try (EventStream out = call.stream()) {
            while (true) {
                switch (event) {
                    case Event.Token token -> grow(token.prompt(), token.event(), out);
                    case Event.Done done -> end(done.prompt(), done.answer(), out);
                    case Event.Failed failed -> out.add(ErrorBody.of(GenerateEndpoint.refusal(failed.failure())));
                }
                if (batch.isFinished() || event instanceof Event.Failed) {
                    out.addDone();
                    return;
                }
                Optional<Event> ready = batch.poll();
                if (ready.isEmpty()) {
                    out.flush();
                }
                event = ready.isPresent() ? ready.get() : batch.next();
            }
        }
    }

    /** The last token's event is left to the end, which knows what stopped the text. */
    private void grow(int prompt, TokenEvent event, EventStream out) {
        int index = firstText[prompt] + event.choice();
        Growing growing = texts.get(index);
        growing.text.append(event.text());
        growing.tokens.add(event.token());
        GenerateItem item = asked.items().get(prompt);
        if (event.finish() == null && item.maxTokens() > 0) {
            out.add(writer.growing(
                    item, growing.id, growing.text.toString(), List.copyOf(growing.tokens), number(index)));
        }
    }

    private void end(int prompt, Answer answer, EventStream out) {
        for (int i = 0; i < answer.choices().size(); i++) {
            int index = firstText[prompt] + i;
            out.add(writer.done(
                    asked.items().get(prompt),
                    texts.get(index).id,
                    answer,
                    answer.choices().get(i),
                    number(index)));
        }
    }

    private @Nullable Integer number(int index) {
        return asked.list() ? index : null;
    }
}
