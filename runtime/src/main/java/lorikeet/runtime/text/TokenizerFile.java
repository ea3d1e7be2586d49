package lorikeet.runtime.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What Lorikeet itself reads from a {@code tokenizer.json}: the vocabulary and the decoder. The rest is left to the
 * native library, which is given the text.
 *
 * @param json the text for the native library, with the added tokens that the configuration asks for
 * @param modelType {@code BPE}, {@code Unigram}, ...; empty if the file doesn't say
 * @param decoder the {@code decoder} section; a null node if there is none
 */
record TokenizerFile(String json, String modelType, Vocabulary vocabulary, JsonNode decoder) {
    static final String NAME = "tokenizer.json";

    /** Above any vocabulary in use; keeps a bad id from taking gigabytes. */
    private static final int MAX_ID = 1 << 24;

    static TokenizerFile read(Path file, TokenizerConfig config) {
        String json;
        try {
            json = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new TokenizerException(
                    file,
                    "no such file; a checkpoint needs the tokenizer.json of Hugging Face's tokenizers"
                            + " (a SentencePiece tokenizer.model must be converted)",
                    e);
        } catch (IOException e) {
            throw new TokenizerException(file, "not readable as UTF-8 text: " + e, e);
        }
        try (JsonParser parser = JsonMapper.shared().createParser(json)) {
            return new Reader(file, parser).read(json, config);
        } catch (JacksonException e) {
            throw new TokenizerException(file, "not readable as JSON: " + e.getMessage(), e);
        }
    }

    /** Reads in one pass and builds no tree of vocabulary and merges, which may have a million nodes. */
    private static final class Reader {
        private final Path file;
        private final JsonParser parser;
        private final Map<String, Integer> tokens = new HashMap<>();
        private final List<AddedToken> added = new ArrayList<>();
        private String modelType = "";
        private JsonNode decoder = JsonMapper.shared().nullNode();
        private int addedFrom = -1;
        private int addedTo = -1;

        Reader(Path file, JsonParser parser) {
            this.file = file;
            this.parser = parser;
        }

        TokenizerFile read(String json, TokenizerConfig config) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new TokenizerException(file, "must hold a JSON object");
            }
            boolean model = false;
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                switch (name) {
                    case "added_tokens" -> readAdded();
                    case "decoder" -> decoder = parser.readValueAsTree();
                    case "model" -> {
                        if (value != JsonToken.START_OBJECT) {
                            throw new TokenizerException(file, "\"model\" must be an object");
                        }
                        model = true;
                        readModel();
                    }
                    default -> parser.skipChildren();
                }
            }
            if (!model) {
                throw new TokenizerException(file, "has no \"model\"");
            }
            List<AddedToken> complete = config.complete(added);
            String text = complete.equals(added) ? json : withAdded(json, complete);
            return new TokenizerFile(text, modelType, Vocabulary.of(tokens, complete), decoder);
        }

        private void readAdded() {
            addedFrom = (int) parser.currentTokenLocation().getCharOffset();
            JsonNode list = parser.readValueAsTree();
            addedTo = (int) parser.currentLocation().getCharOffset();
            list.forEach(token -> added.add(AddedToken.of(token)));
        }

        private void readModel() {
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (name.equals("type") && value == JsonToken.VALUE_STRING) {
                    modelType = parser.getString();
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

        private String withAdded(String json, List<AddedToken> complete) {
            var list = JsonMapper.shared().createArrayNode();
            Vocabulary numbered = Vocabulary.of(tokens, complete);
            for (AddedToken token : complete) {
                Integer id = numbered.id(token.content());
                list.addObject()
                        .put("id", id == null ? 0 : id)
                        .put("content", token.content())
                        .put("single_word", token.singleWord())
                        .put("lstrip", token.lstrip())
                        .put("rstrip", token.rstrip())
                        .put("normalized", token.normalized())
                        .put("special", token.special());
            }
            if (addedFrom >= 0) {
                return json.substring(0, addedFrom) + list + json.substring(addedTo);
            }
            int body = json.indexOf('{') + 1;
            return json.substring(0, body) + "\"added_tokens\":" + list + "," + json.substring(body);
        }
    }
}
