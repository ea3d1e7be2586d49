package lorikeet.runtime.server.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The fields of a JSON object that a client sent. A field that is null counts as absent. Wrong types are refusals that
 * name the field; so is a field that nobody has asked for by the time of {@link #refuseUnread}.
 */
public final class JsonBody {
    private static final int SHOWN = 80;

    private final String prefix;
    private final JsonNode node;
    private final Set<String> read = new TreeSet<>();

    JsonBody(String prefix, JsonNode node) {
        this.prefix = prefix;
        this.node = node;
    }

    /** The field's name as the client knows it, with the object that it is in. */
    public String name(String field) {
        return prefix + field;
    }

    /** True if the field is there and not null. */
    public boolean has(String field) {
        return value(field) != null;
    }

    /** The field's value, or null. */
    public @Nullable JsonNode value(String field) {
        read.add(field);
        JsonNode value = node.get(field);
        return value == null || value.isNull() ? null : value;
    }

    /** A text, if there. */
    public Optional<String> text(String field) {
        JsonNode value = value(field);
        if (value != null && !value.isString()) {
            throw wrong(field, value, "a string");
        }
        return Optional.ofNullable(value).map(JsonNode::stringValue);
    }

    /** A text that must be there and not be empty. */
    public String requiredText(String field) {
        String text = text(field).orElse("");
        if (text.isEmpty()) {
            throw missing(field);
        }
        return text;
    }

    /** A truth value, or the default. */
    public boolean flag(String field, boolean otherwise) {
        JsonNode value = value(field);
        if (value != null && !value.isBoolean()) {
            throw wrong(field, value, "true or false");
        }
        return value == null ? otherwise : value.booleanValue();
    }

    /** A whole number between two bounds, both allowed, if there. */
    public OptionalInt integer(String field, int least, int most) {
        JsonNode value = value(field);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > most) {
            throw wrong(
                    field,
                    value,
                    most == Integer.MAX_VALUE
                            ? "a whole number of at least " + least
                            : "a whole number from " + least + " to " + most);
        }
        return OptionalInt.of(value.intValue());
    }

    /** A 64-bit number, if there. */
    public OptionalLong wide(String field) {
        JsonNode value = value(field);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(field, value, "a whole number of 64 bits");
        }
        return OptionalLong.of(value.longValue());
    }

    /** A number between two bounds, both allowed, or the default. */
    public float number(String field, float least, float most, float otherwise) {
        JsonNode value = value(field);
        if (value == null) {
            return otherwise;
        }
        if (!value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= most)) {
            throw wrong(field, value, "a number from " + least + " to " + most);
        }
        return value.floatValue();
    }

    /** A list of texts; a single one counts as a list of one, none as an empty list. */
    public List<String> texts(String field) {
        JsonNode value = value(field);
        if (value == null) {
            return List.of();
        }
        if (value.isString()) {
            return List.of(value.stringValue());
        }
        if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isString)) {
            throw wrong(field, value, "a string or a list of strings");
        }
        return value.valueStream().map(JsonNode::stringValue).toList();
    }

    /** A list of token ids; none counts as an empty list. */
    public List<Integer> tokens(String field) {
        JsonNode value = value(field);
        return value == null ? List.of() : tokens(field, value);
    }

    /** Token ids out of a list. */
    public List<Integer> tokens(String field, JsonNode list) {
        if (!list.isArray()) {
            throw wrong(field, list, "a list of token ids");
        }
        List<Integer> ids = new ArrayList<>(list.size());
        for (JsonNode id : list) {
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw wrong(field, id, "a list of token ids");
            }
            ids.add(id.intValue());
        }
        return ids;
    }

    /** A nested object, if there. */
    public Optional<JsonBody> object(String field) {
        JsonNode value = value(field);
        if (value != null && !value.isObject()) {
            throw wrong(field, value, "an object");
        }
        return Optional.ofNullable(value).map(nested -> new JsonBody(name(field) + ".", nested));
    }

    /** A list of objects, if there. */
    public Optional<List<JsonBody>> objects(String field) {
        JsonNode value = value(field);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isObject)) {
            throw wrong(field, value, "a list of objects");
        }
        List<JsonBody> list = new ArrayList<>();
        for (JsonNode element : value) {
            list.add(new JsonBody(name(field) + "[" + list.size() + "].", element));
        }
        return Optional.of(list);
    }

    /** An object without fields, for one that wasn't given. */
    public JsonBody empty() {
        return new JsonBody(prefix, JsonNodeFactory.instance.objectNode());
    }

    /** The names of all fields, in the client's order. */
    public List<String> names() {
        return List.copyOf(node.propertyNames());
    }

    /** All fields as plain lists, maps, texts, numbers, truth values and nulls, in the client's order. */
    public Map<String, Object> plain() {
        return Json.mapper().convertValue(node, new TypeReference<Map<String, Object>>() {});
    }

    /** Fields that change nothing about the result: they are passed over. */
    public void ignore(Set<String> fields) {
        read.addAll(fields);
    }

    /** Fields that would change the result and that this server can't serve: refused by name unless they ask for nothing. */
    public void refuse(Set<String> fields) {
        for (String field : fields) {
            JsonNode value = value(field);
            if (value != null && !asksForNothing(value)) {
                throw new Refusal(
                        400,
                        "invalid_request_error",
                        name(field),
                        "unsupported",
                        "'" + name(field) + "' is not supported");
            }
        }
    }

    private static boolean asksForNothing(JsonNode value) {
        return (value.isBoolean() && !value.booleanValue())
                || (value.isContainer() && value.isEmpty())
                || (value.isString() && value.stringValue().isEmpty())
                || (value.isNumber() && value.doubleValue() == 0);
    }

    /** Refuses a field that nobody has asked for: it might change the result. */
    public void refuseUnread() {
        for (String field : node.propertyNames()) {
            if (!read.contains(field) && has(field)) {
                throw new Refusal(
                        400,
                        "invalid_request_error",
                        name(field),
                        "unknown_parameter",
                        "unknown field '" + name(field) + "'");
            }
        }
    }

    /** The refusal of a request that lacks a field. */
    public Refusal missing(String field) {
        return new Refusal(
                400,
                "invalid_request_error",
                name(field),
                "missing_required_parameter",
                "'" + name(field) + "' is missing");
    }

    /** The refusal of a field of the wrong kind. */
    public Refusal wrong(String field, JsonNode found, String accepted) {
        String text = found.toString();
        if (text.length() > SHOWN) {
            text = text.substring(0, SHOWN - 3) + "...";
        }
        return Refusal.invalid(name(field), "'" + name(field) + "' is " + text + ", it must be " + accepted);
    }
}
