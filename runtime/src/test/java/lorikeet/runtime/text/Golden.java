package lorikeet.runtime.text;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The reference checkpoints among the test resources. */
final class Golden {
    static final List<String> SETS = List.of("llama", "mistral", "qwen2");

    private Golden() {}

    static Path model(String set) {
        return resource("/golden/" + set + "/model/tokenizer.json")
                .resolveSibling(".")
                .normalize();
    }

    static JsonNode recorded(String set) {
        return JsonMapper.shared().readTree(resource("/golden/" + set + "/golden.json"));
    }

    static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    static Path resource(String name) {
        URL url = Objects.requireNonNull(Golden.class.getResource(name), name);
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(name, e);
        }
    }
}
