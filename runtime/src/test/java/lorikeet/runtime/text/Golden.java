package lorikeet.runtime.text;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What Transformers makes of texts and chats, recorded among the test resources. */
final class Golden {
    /** The reference checkpoints. */
    static final List<String> SETS = List.of(
            "llama",
            "llama-dynamic",
            "llama-linear-v4",
            "llama3-rope",
            "mistral",
            "mistral-v4",
            "qwen2",
            "qwen2-window",
            "qwen2-yarn",
            "qwen3",
            "qwen3-yarn-v4");

    private Golden() {}

    static Path model(String set) {
        return folder("/golden/" + set + "/model");
    }

    /** The folder among the resources that holds this tokenizer. */
    static Path folder(String name) {
        return resource(name + "/tokenizer.json").resolveSibling(".").normalize();
    }

    static JsonNode recorded(String set) {
        return json("/golden/" + set + "/golden.json");
    }

    static JsonNode json(String resource) {
        return JsonMapper.shared().readTree(resource(resource));
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
