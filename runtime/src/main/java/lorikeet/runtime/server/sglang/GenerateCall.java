package lorikeet.runtime.server.sglang;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import lorikeet.runtime.server.generation.Sampling;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a call of {@code /generate} asks for.
 *
 * @param items one for each prompt
 * @param list whether the answer is a list; a single prompt with a single continuation gives a single answer
 * @param stream the texts come as they grow
 * @param textInLogProbs log-probabilities come with the tokens' texts
 */
record GenerateCall(List<GenerateItem> items, boolean list, boolean stream, boolean textInLogProbs) {
    private static final Set<String> HARMLESS = Set.of(
            "rid",
            "log_metrics",
            "no_logs",
            "priority",
            "modalities",
            "conversation_id",
            "routing_key",
            "custom_labels",
            "background",
            "return_bytes",
            "received_time",
            "external_trace_header",
            "data_parallel_rank",
            "routed_dp_rank");

    private static final Set<String> UNSUPPORTED = Set.of(
            "input_embeds",
            "image_data",
            "video_data",
            "audio_data",
            "token_ids_logprob",
            "return_hidden_states",
            "return_routed_experts",
            "return_indexer_topk",
            "return_entropy",
            "return_prompt_token_ids",
            "return_sampling_mask",
            "return_flat_raw_top_logprobs",
            "return_flat_raw_top_logprobs_b64",
            "custom_logit_processor",
            "session_params",
            "positional_embed_overrides",
            "bootstrap_host",
            "bootstrap_port",
            "bootstrap_room",
            "max_thinking_tokens",
            "require_reasoning",
            "lora_id",
            "extra_key");

    private static final Set<String> UNSUPPORTED_SAMPLING =
            Set.of("stop_regex", "json_schema", "regex", "ebnf", "structural_tag", "custom_params");

    private static final int DEFAULT_TOKENS = 128;
    private static final int MOST_ALTERNATIVES = 20;

    static GenerateCall read(JsonBody body, Serving serving) {
        List<List<Integer>> prompts = prompts(body, serving);
        boolean listed = isListed(body);
        List<GenerateItem> items = new ArrayList<>();
        List<Optional<JsonBody>> sampling = samplingBodies(body, prompts.size());
        for (int i = 0; i < prompts.size(); i++) {
            items.add(item(body, serving, prompts.get(i), sampling.get(i), i, prompts.size()));
        }
        boolean stream = body.flag("stream", false);
        boolean texts = body.flag("return_text_in_logprobs", false);
        body.refuse(UNSUPPORTED);
        body.ignore(HARMLESS);
        body.refuseUnread();
        boolean several = items.stream().anyMatch(item -> item.sampling().choices() > 1);
        return new GenerateCall(items, listed || several, stream, texts);
    }

    private static boolean isListed(JsonBody body) {
        JsonNode text = body.value("text");
        JsonNode ids = body.value("input_ids");
        return text != null
                ? text.isArray()
                : ids != null && ids.get(0) != null && ids.get(0).isArray();
    }

    private static List<List<Integer>> prompts(JsonBody body, Serving serving) {
        boolean asText = body.has("text");
        if (asText == body.has("input_ids")) {
            throw Refusal.invalid("text", "either 'text' or 'input_ids' has to be given");
        }
        List<List<Integer>> prompts;
        if (asText) {
            prompts = body.texts("text").stream()
                    .map(text -> serving.prompts().text("text", text))
                    .toList();
        } else if (isListed(body)) {
            prompts = idLists(body, serving);
        } else {
            prompts = List.of(serving.prompts().tokens("input_ids", body.tokens("input_ids")));
        }
        if (prompts.isEmpty() || prompts.size() > serving.limits().prompts()) {
            throw Refusal.invalid(
                    asText ? "text" : "input_ids",
                    "there are " + prompts.size() + " prompts, there may be 1 to "
                            + serving.limits().prompts());
        }
        return prompts;
    }

    private static List<List<Integer>> idLists(JsonBody body, Serving serving) {
        List<List<Integer>> prompts = new ArrayList<>();
        JsonNode lists = body.value("input_ids");
        if (lists != null) {
            lists.forEach(list -> prompts.add(serving.prompts().tokens("input_ids", body.tokens("input_ids", list))));
        }
        return prompts;
    }

    /** The sampling parameters of each prompt: one object for all of them, or a list. */
    private static List<Optional<JsonBody>> samplingBodies(JsonBody body, int prompts) {
        JsonNode node = body.value("sampling_params");
        List<Optional<JsonBody>> bodies = new ArrayList<>();
        if (node != null && node.isArray()) {
            body.objects("sampling_params").orElseThrow().forEach(one -> bodies.add(Optional.of(one)));
            if (bodies.size() != prompts) {
                throw body.wrong("sampling_params", node, "an object, or a list with one for each prompt");
            }
        } else {
            Optional<JsonBody> shared = body.object("sampling_params");
            for (int i = 0; i < prompts; i++) {
                bodies.add(shared);
            }
        }
        return bodies;
    }

    private static GenerateItem item(
            JsonBody body,
            Serving serving,
            List<Integer> prompt,
            Optional<JsonBody> samplingBody,
            int index,
            int prompts) {
        JsonBody parameters = samplingBody.orElseGet(body::empty);
        Sampling sampling = Sampling.read(
                parameters, Sampling.Dialect.SGLANG, serving.model().recommendedSampling(), serving.limits());
        OptionalInt asked = parameters.integer("max_new_tokens", 0, Integer.MAX_VALUE);
        checkRest(parameters);
        Elements elements = new Elements(body, index, prompts);
        boolean logProbs = elements.flag("return_logprob");
        int alternatives = elements.integer("top_logprobs_num", 0, 0, MOST_ALTERNATIVES);
        int start = elements.integer("logprob_start_len", -1, -1, prompt.size());
        int most = serving.prompts().maxTokens("max_new_tokens", prompt, asked, DEFAULT_TOKENS);
        return new GenerateItem(
                prompt,
                elements.text("lora_path"),
                sampling.withLogProbs(logProbs ? alternatives : -1),
                most,
                logProbs,
                alternatives,
                start < 0 ? prompt.size() : start);
    }

    private static void checkRest(JsonBody parameters) {
        parameters.refuse(UNSUPPORTED_SAMPLING);
        parameters.ignore(Set.of("spaces_between_special_tokens", "stream_interval"));
        parameters.refuseUnread();
    }

    /** Fields that hold one value for all prompts, or a list with one for each. */
    private record Elements(JsonBody body, int index, int prompts) {
        private @Nullable JsonNode of(String field) {
            JsonNode node = body.value(field);
            if (node == null || !node.isArray()) {
                return node;
            }
            if (node.size() != prompts) {
                throw body.wrong(field, node, "a value, or a list with one for each prompt");
            }
            JsonNode element = node.get(index);
            return element.isNull() ? null : element;
        }

        boolean flag(String field) {
            JsonNode node = of(field);
            if (node != null && !node.isBoolean()) {
                throw body.wrong(field, node, "true or false");
            }
            return node != null && node.booleanValue();
        }

        int integer(String field, int otherwise, int least, int most) {
            JsonNode node = of(field);
            if (node == null) {
                return otherwise;
            }
            if (!node.isIntegralNumber()
                    || !node.canConvertToInt()
                    || node.intValue() < least
                    || node.intValue() > most) {
                throw body.wrong(field, node, "a whole number from " + least + " to " + most);
            }
            return node.intValue();
        }

        Optional<String> text(String field) {
            JsonNode node = of(field);
            if (node != null && !node.isString()) {
                throw body.wrong(field, node, "a string or null");
            }
            return Optional.ofNullable(node).map(JsonNode::stringValue);
        }
    }
}
