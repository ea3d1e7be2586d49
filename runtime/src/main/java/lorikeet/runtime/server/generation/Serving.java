package lorikeet.runtime.server.generation;

import java.time.Instant;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.server.http.JsonBody;

/**
 * What the endpoints that generate share.
 *
 * @param model what they generate with
 * @param baseName the base model's name to clients
 * @param started when the server was
 * @param limits what one call may ask for
 * @param prompts turns prompts into tokens
 * @param texts names tokens
 * @param watcher is told of every generation
 */
public record Serving(
        Lorikeet model,
        String baseName,
        Instant started,
        RequestLimits limits,
        Prompts prompts,
        TokenTexts texts,
        Batch.Watcher watcher) {
    /** The time that goes into answers, in seconds. */
    public static long now() {
        return Instant.now().getEpochSecond();
    }

    /** What a body's {@code model} names; the base model if it names none. */
    public ModelName modelName(JsonBody body) {
        return ModelName.of(body.text("model").orElse(baseName), baseName);
    }

    /**
     * A batch for the requests of one call; the caller closes it.
     *
     * @param streaming whether events are to be had; else only the answers are
     */
    public Batch batch(boolean streaming) {
        return new Batch(model, streaming, watcher);
    }
}
