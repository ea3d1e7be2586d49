package lorikeet.runtime.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One message of a chat, as the fields that its template sees: {@code role}, {@code content} and whatever else the
 * template knows, such as {@code tool_calls} or {@code name}. Values are null, booleans, numbers, strings, and lists
 * and maps of those, as JSON has them.
 */
public record ChatMessage(Map<String, Object> fields) {
    public ChatMessage {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** A plain message. */
    public static ChatMessage of(String role, String content) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("role", role);
        fields.put("content", content);
        return new ChatMessage(fields);
    }
}
