package lorikeet.runtime.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/**
 * What Lorikeet itself reads from a {@code tokenizer.json}: the vocabulary and the decoder. The rest is left to the
 * native library, which is given a text that {@link TokenizerGuards} has looked at: it ends the process over some files.
 *
 * @param json the text for the native library: the model as it stands in the file, what is around it written anew, with
 *     the added tokens that the configuration asks for, and without cutting or padding
 * @param modelType {@code BPE}, {@code Unigram}, ...; empty if the file doesn't say
 * @param decoder the {@code decoder} section; a null node if there is none
 */
record TokenizerFile(String json, String modelType, Vocabulary vocabulary, JsonNode decoder) {
    static final String NAME = "tokenizer.json";

    /** Several times the largest in use. */
    private static final long MOST_BYTES = 256L << 20;

    private static final Set<String> PARTS =
            Set.of("version", "normalizer", "pre_tokenizer", "post_processor", "decoder");

    /** Reads and checks a file. */
    static TokenizerFile read(Path file, TokenizerConfig config) {
        String json = text(file);
        try (JsonParser parser = JsonMapper.shared().createParser(json)) {
            return new Reader(file, parser).read(json, config);
        } catch (JacksonException e) {
            throw new TokenizerException(file, "not readable as JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static String text(Path file) {
        try {
            long size = Files.size(file);
            if (size > MOST_BYTES) {
                throw new TokenizerException(file, "has " + size + " bytes; accepted: up to " + MOST_BYTES);
            }
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new TokenizerException(
                    file,
                    "no such file; a checkpoint needs the tokenizer.json of Hugging Face's tokenizers"
                            + " (a SentencePiece tokenizer.model must be converted)",
                    e);
        } catch (IOException e) {
            throw new TokenizerException(file, "not readable as UTF-8 text: " + e, e);
        }
    }

    /** Reads in one pass and builds no tree of vocabulary and merges, which may have a million nodes. */
    private static final class Reader {
        private final Path file;
        private final JsonParser parser;
        private final Map<String, JsonNode> parts = new LinkedHashMap<>();
        private final List<AddedToken> added = new ArrayList<>();
        private @Nullable TokenizerModel model;

        Reader(Path file, JsonParser parser) {
            this.file = file;
            this.parser = parser;
        }

        TokenizerFile read(String json, TokenizerConfig config) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new TokenizerException(file, "must hold a JSON object");
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                readPart(parser.currentName(), json);
            }
            if (parser.nextToken() != null) {
                throw new TokenizerException(file, "goes on behind its JSON object");
            }
            TokenizerModel read = model;
            if (read == null) {
                throw new TokenizerException(file, "has no \"model\"");
            }
            parts.forEach((name, part) -> TokenizerGuards.check(file, name, part));
            List<AddedToken> complete = config.complete(added);
            Vocabulary vocabulary = Vocabulary.of(read.tokens(), complete);
            JsonNode decoder = parts.getOrDefault("decoder", JsonMapper.shared().nullNode());
            return new TokenizerFile(text(read, complete, vocabulary), read.type(), vocabulary, decoder);
        }

        private void readPart(String name, String json) {
            JsonToken value = parser.nextToken();
            if (name.equals("model")) {
                if (value != JsonToken.START_OBJECT || model != null) {
                    throw new TokenizerException(file, "\"model\" must be an object, and be there once");
                }
                model = TokenizerModel.read(file, parser, json);
            } else if (name.equals("added_tokens")) {
                JsonNode list = parser.readValueAsTree();
                if (!list.isArray() && !list.isNull()) {
                    throw new TokenizerException(file, "\"added_tokens\" must be a list");
                }
                for (JsonNode token : list) {
                    if (!token.path("content").isString()) {
                        throw new TokenizerException(file, "\"added_tokens\" lists an entry without content");
                    }
                    TokenizerGuards.check(file, name, token);
                    added.add(AddedToken.of(token));
                }
            } else if (PARTS.contains(name)) {
                parts.put(name, parser.readValueAsTree());
            } else {
                parser.skipChildren();
            }
        }

        private String text(TokenizerModel model, List<AddedToken> complete, Vocabulary vocabulary) {
            ArrayNode list = JsonMapper.shared().createArrayNode();
            for (AddedToken token : complete) {
                Integer id = vocabulary.id(token.content());
                list.addObject()
                        .put("id", id == null ? 0 : id)
                        .put("content", token.content())
                        .put("single_word", token.singleWord())
                        .put("lstrip", token.lstrip())
                        .put("rstrip", token.rstrip())
                        .put("normalized", token.normalized())
                        .put("special", token.special());
            }
            StringBuilder text = new StringBuilder("{\"added_tokens\":").append(list);
            parts.forEach((name, part) ->
                    text.append(",\"").append(name).append("\":").append(part));
            return text.append(",\"model\":").append(model.json()).append('}').toString();
        }
    }
}
