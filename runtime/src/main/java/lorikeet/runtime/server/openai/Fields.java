package lorikeet.runtime.server.openai;

import java.util.Set;
import java.util.function.Predicate;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;
import tools.jackson.databind.JsonNode;

/** What both completion endpoints do with fields that mean nothing here, or too much. */
final class Fields {
    /** They tell of the client, or steer what this server doesn't have; no text depends on them. */
    private static final Set<String> HARMLESS = Set.of(
            "user",
            "metadata",
            "store",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
            "parallel_tool_calls",
            "rid",
            "priority",
            "request_id",
            "return_hidden_states",
            "spaces_between_special_tokens",
            "echo");

    private static final Set<String> UNSUPPORTED = Set.of(
            "suffix",
            "json_schema",
            "regex",
            "ebnf",
            "structural_tag",
            "stop_regex",
            "guided_json",
            "guided_regex",
            "guided_choice",
            "guided_grammar",
            "structured_outputs",
            "logit_processors",
            "custom_logit_processor",
            "custom_params",
            "lora_path",
            "session_params",
            "bad_words",
            "allowed_token_ids",
            "truncate_prompt_tokens",
            "use_beam_search",
            "length_penalty",
            "prompt_logprobs",
            "chat_template",
            "chat_template_kwargs",
            "documents",
            "continue_final_message",
            "reasoning_effort",
            "functions",
            "function_call",
            "audio",
            "modalities",
            "prediction",
            "web_search_options",
            "verbosity");

    private Fields() {}

    /** Deals with every field that the endpoint hasn't read. */
    static void checkRest(JsonBody body) {
        body.refuse(UNSUPPORTED);
        checkResponseFormat(body);
        body.ignore(HARMLESS);
        body.refuseUnread();
    }

    private static void checkResponseFormat(JsonBody body) {
        body.object("response_format").ifPresent(format -> {
            String type = format.text("type").orElse("text");
            if (!type.equals("text")) {
                throw new Refusal(
                        400,
                        "invalid_request_error",
                        "response_format",
                        "unsupported",
                        "'response_format' of type '" + type + "' is not supported, only 'text' is");
            }
        });
    }

    /** Whether a stream ends with the usage. */
    static boolean includeUsage(JsonBody body, boolean stream) {
        if (!stream && body.has("stream_options")) {
            throw Refusal.invalid("stream_options", "'stream_options' needs 'stream': true");
        }
        return body.object("stream_options")
                .map(options -> {
                    boolean include = options.flag("include_usage", false);
                    options.ignore(Set.of("include_obfuscation"));
                    options.refuse(Set.of("continuous_usage_stats"));
                    options.refuseUnread();
                    return include;
                })
                .orElse(false);
    }

    /** The elements of a list node. */
    static boolean isListOf(JsonNode list, Predicate<JsonNode> kind) {
        return list.isArray() && !list.isEmpty() && list.valueStream().allMatch(kind);
    }
}
