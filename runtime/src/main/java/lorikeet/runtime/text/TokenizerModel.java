package lorikeet.runtime.text;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * The {@code model} of a {@code tokenizer.json}.
 *
 * @param json as it stands in the file
 * @param type {@code BPE}, {@code Unigram}, ...; empty if the file doesn't say
 * @param tokens the vocabulary with its ids
 */
record TokenizerModel(String json, String type, Map<String, Integer> tokens) {
    /** Above any vocabulary in use; keeps a bad id from taking gigabytes. */
    private static final int MAX_ID = 1 << 24;

    /**
     * Reads a model in one pass, without a tree.
     *
     * @param parser at the start of the object; left at its end
     * @param text what the parser reads
     */
    static TokenizerModel read(Path file, JsonParser parser, String text) {
        int from = (int) parser.currentTokenLocation().getCharOffset();
        Reader reader = new Reader(file, parser);
        reader.read();
        String json = text.substring(from, (int) parser.currentLocation().getCharOffset());
        if (!reader.prefix.isEmpty()) {
            reader.checkMerges(json);
        }
        return new TokenizerModel(json, reader.type, reader.tokens);
    }

    private static final class Reader {
        private final Path file;
        private final JsonParser parser;
        private final Map<String, Integer> tokens = new HashMap<>();
        private String type = "";
        private String prefix = "";

        Reader(Path file, JsonParser parser) {
            this.file = file;
            this.parser = parser;
        }

        void read() {
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (name.equals("type") && value == JsonToken.VALUE_STRING) {
                    type = parser.getString();
                } else if (name.equals("continuing_subword_prefix") && value == JsonToken.VALUE_STRING) {
                    prefix = parser.getString();
                } else if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                    readNumbered();
                } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
                    readListed();
                } else {
                    parser.skipChildren();
                }
            }
        }

        /** The vocabulary of BPE, WordPiece and WordLevel: {@code {token: id}}. */
        private void readNumbered() {
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String token = parser.currentName();
                if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
                    throw new TokenizerException(file, "the id of the token \"" + token + "\" is not an integer");
                }
                long id = parser.getLongValue();
                if (id < 0 || id >= MAX_ID) {
                    throw new TokenizerException(
                            file, "the token \"" + token + "\" has the id " + id + "; accepted: 0 to " + (MAX_ID - 1));
                }
                tokens.put(token, (int) id);
            }
        }

        /** The vocabulary of Unigram: {@code [[token, score], ...]}. */
        private void readListed() {
            int id = 0;
            while (parser.nextToken() == JsonToken.START_ARRAY) {
                if (parser.nextToken() != JsonToken.VALUE_STRING) {
                    throw new TokenizerException(file, "entry " + id + " of the vocabulary has no token");
                }
                tokens.put(parser.getString(), id++);
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    parser.skipChildren();
                }
            }
        }

        /** The right side of a merge must have the prefix: the native library cuts it off without looking. */
        private void checkMerges(String json) {
            for (var merge : JsonMapper.shared().readTree(json).path("merges")) {
                String pair = merge.asString("");
                String right = merge.isArray() ? merge.path(1).asString("") : pair.substring(pair.indexOf(' ') + 1);
                if (!right.startsWith(prefix)) {
                    throw new TokenizerException(
                            file, "the merge " + merge + " lacks the continuing_subword_prefix \"" + prefix + "\"");
                }
            }
        }
    }
}
