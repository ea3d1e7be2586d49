package lorikeet.runtime.server.generation;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.server.http.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * Turns prompts into tokens on the caller's thread, so that what doesn't fit is refused before anything of its call has
 * started.
 */
public final class Prompts {
    /** No token is longer than this, so a longer text can't fit and need not be looked at by the tokenizer. */
    private static final int CHARACTERS_A_TOKEN = 256;

    private final Lorikeet model;
    private final int contextTokens;

    /** Prompts for a model, in a context of limited length. */
    public Prompts(Lorikeet model, int contextTokens) {
        this.model = model;
        this.contextTokens = contextTokens;
    }

    /** The tokens of a text, with those that the tokenizer puts around it. */
    public List<Integer> text(String field, String text) {
        return encode(field, text, true);
    }

    /** The tokens of a conversation, up to where the answer begins. */
    public List<Integer> chat(
            String field, List<Map<String, Object>> messages, @Nullable List<Map<String, Object>> tools) {
        return encode(field, model.renderChat(messages, tools), false);
    }

    private List<Integer> encode(String field, String text, boolean addSpecialTokens) {
        if (text.length() / CHARACTERS_A_TOKEN > contextTokens) {
            throw tooLong(field, "a text of " + text.length() + " characters is");
        }
        int[] ids = model.tokenizer().encode(text, addSpecialTokens);
        return checked(field, Arrays.stream(ids).boxed().toList());
    }

    /** Token ids as they were given. */
    public List<Integer> tokens(String field, List<Integer> ids) {
        int vocabulary = model.config().vocabulary();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw Refusal.invalid(
                        field, "'" + field + "' has the token " + id + ", the model's are 0 to " + (vocabulary - 1));
            }
        }
        return checked(field, ids);
    }

    private List<Integer> checked(String field, List<Integer> ids) {
        if (ids.isEmpty()) {
            throw Refusal.invalid(field, "'" + field + "' is empty");
        }
        if (ids.size() >= contextTokens) {
            throw tooLong(field, ids.size() + " tokens are");
        }
        return ids;
    }

    /**
     * How many tokens may follow a prompt.
     *
     * @param field what the client calls the number
     * @param asked what it asked for
     * @param otherwise the number if it didn't, or less if there is no room for so many
     * @throws Refusal 400 if it asked for more than there is room for
     */
    public int maxTokens(String field, List<Integer> prompt, OptionalInt asked, int otherwise) {
        int room = contextTokens - prompt.size();
        if (asked.isPresent() && asked.getAsInt() > room) {
            throw tooLong(
                    field,
                    "the prompt's " + prompt.size() + " tokens and " + asked.getAsInt() + " more as '" + field
                            + "' are");
        }
        return asked.orElse(Math.min(otherwise, room));
    }

    private Refusal tooLong(String field, String what) {
        return new Refusal(
                400,
                "invalid_request_error",
                field,
                "context_length_exceeded",
                what + " too long: the model's context has " + contextTokens + " tokens");
    }
}
