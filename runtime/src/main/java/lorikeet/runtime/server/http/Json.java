package lorikeet.runtime.server.http;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** JSON as it goes over the wire: names in snake case, no duplicate fields, nothing behind the value, bounded depth. */
public final class Json {
    private static final int DEPTH = 64;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH)
                            .build())
                    .build())
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** A record, a map, a list or a tree as UTF-8. */
    public static byte[] bytes(Object value) {
        return MAPPER.writeValueAsBytes(value);
    }

    /** The mapper, for plain maps and lists. */
    static JsonMapper mapper() {
        return MAPPER;
    }

    /**
     * The object that a body holds.
     *
     * @throws Refusal 400 if it is anything else
     */
    public static JsonBody object(byte[] body) {
        JsonNode node;
        try {
            node = MAPPER.readTree(body);
        } catch (JacksonException e) {
            throw Refusal.invalid(null, "the body is not JSON: " + e.getOriginalMessage());
        }
        if (!node.isObject()) {
            throw Refusal.invalid(null, "the body has to be a JSON object");
        }
        return new JsonBody("", node);
    }
}
