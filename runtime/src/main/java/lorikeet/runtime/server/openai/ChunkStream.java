package lorikeet.runtime.server.openai;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lorikeet.runtime.Answer;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.server.generation.Batch;
import lorikeet.runtime.server.generation.Event;
import lorikeet.runtime.server.generation.Failures;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.ErrorBody;
import lorikeet.runtime.server.http.EventStream;

/** Sends what happens to a batch as a stream of chunks. */
final class ChunkStream {
    private ChunkStream() {}

    /** Makes the chunks of one call. */
    interface Chunks {
        /** The chunk for a token, if there is anything to say of it. */
        Optional<?> token(int prompt, TokenEvent event);

        /** The chunk with the usage, where the client wants to know it. */
        Optional<?> usage(List<Answer> answers);
    }

    /** Streams until all prompts are done, one has failed, or the client is gone. */
    static void send(Batch batch, Call call, Chunks chunks) throws IOException, InterruptedException {
        // Nothing is sent before there is something to send, so that an early failure has a status of its own.
        Event event = batch.next();
        if (event instanceof Event.Failed failed) {
            throw failed.failure();
        }
        List<Answer> answers = new ArrayList<>();
        try (EventStream out = call.stream()) {
            while (true) {
                switch (event) {
                    case Event.Token token ->
                        chunks.token(token.prompt(), token.event()).ifPresent(out::add);
                    case Event.Done done -> answers.add(done.answer());
                    case Event.Failed failed -> {
                        out.add(ErrorBody.of(Failures.refusal(failed.failure())));
                        out.addDone();
                        return;
                    }
                }
                if (batch.isFinished()) {
                    break;
                }
                Optional<Event> ready = batch.poll();
                if (ready.isEmpty()) {
                    out.flush();
                }
                event = ready.isPresent() ? ready.get() : batch.next();
            }
            chunks.usage(answers).ifPresent(out::add);
            out.addDone();
        }
    }
}
