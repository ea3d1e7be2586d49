package lorikeet.runtime.server.openai;

import java.util.List;
import lorikeet.runtime.server.generation.Prompts;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;
import tools.jackson.databind.JsonNode;

/** The forms that a completion's {@code prompt} may have. */
sealed interface PromptInput {
    /** One or several texts. */
    record Texts(List<String> texts) implements PromptInput {}

    /** One or several lists of token ids. */
    record Tokens(List<List<Integer>> ids) implements PromptInput {}

    /** Reads the field: a text, token ids, or a list of either. */
    static PromptInput read(JsonBody body, String field, int most) {
        JsonNode node = body.value(field);
        if (node == null) {
            throw body.missing(field);
        }
        PromptInput input;
        if (node.isString()) {
            input = new Texts(List.of(node.stringValue()));
        } else if (Fields.isListOf(node, JsonNode::isString)) {
            input = new Texts(node.valueStream().map(JsonNode::stringValue).toList());
        } else if (Fields.isListOf(node, JsonNode::isIntegralNumber)) {
            input = new Tokens(List.of(body.tokens(field, node)));
        } else if (Fields.isListOf(node, JsonNode::isArray)) {
            input = new Tokens(
                    node.valueStream().map(list -> body.tokens(field, list)).toList());
        } else {
            throw body.wrong(field, node, "a string, a list of strings, token ids, or a list of lists of token ids");
        }
        if (input.size() > most) {
            throw Refusal.invalid(field, "'" + field + "' has " + input.size() + " prompts, the most are " + most);
        }
        return input;
    }

    /** The number of prompts. */
    default int size() {
        return switch (this) {
            case Texts texts -> texts.texts().size();
            case Tokens tokens -> tokens.ids().size();
        };
    }

    /** The tokens of each prompt. */
    default List<List<Integer>> tokenize(Prompts prompts, String field) {
        return switch (this) {
            case Texts texts ->
                texts.texts().stream().map(text -> prompts.text(field, text)).toList();
            case Tokens tokens ->
                tokens.ids().stream().map(ids -> prompts.tokens(field, ids)).toList();
        };
    }
}
