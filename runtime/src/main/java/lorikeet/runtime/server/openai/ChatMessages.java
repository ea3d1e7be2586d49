package lorikeet.runtime.server.openai;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;
import tools.jackson.databind.JsonNode;

/** The messages of a conversation as chat templates expect them: contents are plain texts, arguments of tools objects. */
final class ChatMessages {
    private ChatMessages() {}

    static List<Map<String, Object>> read(JsonBody body, String field) {
        List<JsonBody> messages = body.objects(field).orElseThrow(() -> body.missing(field));
        if (messages.isEmpty()) {
            throw Refusal.invalid(field, "'" + field + "' is empty");
        }
        return messages.stream().map(ChatMessages::message).toList();
    }

    private static Map<String, Object> message(JsonBody message) {
        message.requiredText("role");
        Map<String, Object> fields = new LinkedHashMap<>(message.plain());
        JsonNode content = message.value("content");
        if (content != null && !content.isString()) {
            fields.put("content", joined(message));
        } else if (content == null) {
            fields.put("content", "");
        }
        message.objects("tool_calls")
                .ifPresent(calls -> fields.put(
                        "tool_calls", calls.stream().map(ChatMessages::toolCall).toList()));
        return fields;
    }

    /** The texts of a content that comes in parts, a line each. */
    private static String joined(JsonBody message) {
        List<String> texts = new ArrayList<>();
        for (JsonBody part : message.objects("content").orElseThrow()) {
            String type = part.requiredText("type");
            if (!type.equals("text")) {
                throw new Refusal(
                        400,
                        "invalid_request_error",
                        part.name("type"),
                        "unsupported",
                        "contents of type '" + type + "' are not supported, only 'text' is");
            }
            texts.add(part.text("text").orElseThrow(() -> part.missing("text")));
        }
        return texts.stream().collect(Collectors.joining("\n"));
    }

    /** Clients send the arguments as a text that holds JSON; templates write them out as JSON themselves. */
    private static Map<String, Object> toolCall(JsonBody call) {
        Map<String, Object> fields = new LinkedHashMap<>(call.plain());
        call.object("function").ifPresent(function -> {
            Map<String, Object> plain = new LinkedHashMap<>(function.plain());
            JsonNode arguments = function.value("arguments");
            if (arguments != null && arguments.isString()) {
                plain.put("arguments", parsed(Objects.requireNonNull(arguments.stringValue())));
            }
            fields.put("function", plain);
        });
        return fields;
    }

    private static Object parsed(String arguments) {
        try {
            return Json.object(arguments.getBytes(StandardCharsets.UTF_8)).plain();
        } catch (Refusal e) {
            return arguments; // not an object: the template gets what the client sent
        }
    }
}
