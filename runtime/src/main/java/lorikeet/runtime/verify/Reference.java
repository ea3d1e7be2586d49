package lorikeet.runtime.verify;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import lorikeet.runtime.json.JsonFile;
import lorikeet.runtime.json.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * Reference outputs: what Transformers and PEFT compute on a checkpoint and its adapters, in float32.
 *
 * @param requests prompts with the logits and the greedy tokens that follow
 * @param texts texts with their tokens
 * @param chats conversations with the text that the chat template makes of them, and its tokens
 */
@SuppressWarnings("ArrayRecordComponent") // Thousands of numbers, compared one by one.
public record Reference(List<ReferenceRequest> requests, List<ReferenceText> texts, List<ReferenceChat> chats) {
    /**
     * A prompt and what follows it.
     *
     * @param adapter the adapter's folder, or null for the base model
     * @param prompt token ids
     * @param logits for the token after the prompt, one for each token of the vocabulary
     * @param greedy the ids of greedy decoding that doesn't stop at end tokens
     * @param margins for each of them the distance between the best and the second-best logit
     */
    public record ReferenceRequest(
            @Nullable String adapter, List<Integer> prompt, float[] logits, int[] greedy, float[] margins) {}

    /**
     * A text and its tokens.
     *
     * @param text the text
     * @param ids its tokens, without special tokens added
     * @param decoded the tokens' text
     */
    public record ReferenceText(String text, int[] ids, String decoded) {}

    /**
     * A conversation.
     *
     * @param messages as the chat template gets them
     * @param tools the tools that are offered, or null
     * @param text the rendered text, with the generation prompt
     * @param ids its tokens
     */
    public record ReferenceChat(
            List<Map<String, Object>> messages, @Nullable List<Map<String, Object>> tools, String text, int[] ids) {}

    public Reference {
        requests = List.copyOf(requests);
        texts = List.copyOf(texts);
        chats = List.copyOf(chats);
    }

    /** Reads a file of reference outputs. */
    public static Reference read(Path file) {
        JsonObject json = JsonFile.read(file);
        return new Reference(
                list(json, "requests", Reference::request),
                list(json, "tokenizer", Reference::text),
                list(json, "chat", Reference::chat));
    }

    private static <T> List<T> list(JsonObject json, String field, Function<JsonObject, T> read) {
        return json.has(field) ? json.objects(field).stream().map(read).toList() : List.of();
    }

    private static ReferenceRequest request(JsonObject json) {
        return new ReferenceRequest(
                json.string("adapter").orElse(null),
                json.integers("prompt_ids").orElseThrow(() -> json.missing("prompt_ids")),
                floats(json, "logits_last"),
                ints(json, "greedy_ids"),
                floats(json, "greedy_margin"));
    }

    private static ReferenceText text(JsonObject json) {
        return new ReferenceText(required(json, "text"), ints(json, "ids"), required(json, "decoded"));
    }

    private static ReferenceChat chat(JsonObject json) {
        return new ReferenceChat(
                json.maps("messages").orElseThrow(() -> json.missing("messages")),
                json.maps("tools").orElse(null),
                required(json, "text"),
                ints(json, "ids"));
    }

    private static String required(JsonObject json, String field) {
        return json.string(field).orElseThrow(() -> json.missing(field));
    }

    private static int[] ints(JsonObject json, String field) {
        return json.integers(field).orElseThrow(() -> json.missing(field)).stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static float[] floats(JsonObject json, String field) {
        double[] values = json.numbers(field).orElseThrow(() -> json.missing(field));
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
