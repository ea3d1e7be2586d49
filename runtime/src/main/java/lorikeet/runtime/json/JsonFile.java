package lorikeet.runtime.json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads configuration files: small JSON objects whose errors should name the file. */
public final class JsonFile {
    /** A configuration file is a few kilobytes; what is larger than this is something else. */
    private static final long MAX_BYTES = 16 << 20;

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            // Python writes them, and reads them; in a field that counts they are refused by its name.
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private JsonFile() {}

    /** Checks that there is such a file, for who reads it later; throws what {@link #read} would. */
    public static void require(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new LorikeetException(ErrorCode.NOT_FOUND, file + ": no such file");
        }
    }

    /**
     * The object in a file.
     *
     * @throws LorikeetException NOT_FOUND if there is no such file, INVALID_FILE if it is not one JSON object
     */
    public static JsonObject read(Path file) {
        require(file);
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new LorikeetException(
                        ErrorCode.INVALID_FILE, file + ": " + size + " bytes are too many for a configuration");
            }
            JsonNode node = MAPPER.readTree(Files.readAllBytes(file));
            if (node == null || !node.isObject()) {
                throw new LorikeetException(ErrorCode.INVALID_FILE, file + ": not a JSON object");
            }
            return new JsonObject(file.toString(), node);
        } catch (JacksonException e) {
            throw new LorikeetException(
                    ErrorCode.INVALID_FILE, file + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, file + ": cannot be read: " + e, e);
        }
    }

    /** A list of objects as plain maps of lists, maps, texts, numbers, truth values and nulls. */
    static List<Map<String, Object>> maps(JsonNode list) {
        return MAPPER.convertValue(list, new TypeReference<List<Map<String, Object>>>() {});
    }
}
