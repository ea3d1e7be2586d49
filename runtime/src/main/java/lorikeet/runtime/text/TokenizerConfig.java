package lorikeet.runtime.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code tokenizer_config.json} and the older {@code special_tokens_map.json} say beside {@code tokenizer.json}.
 * Both files may be absent.
 *
 * @param specialTokens the text of each named special token ({@code bos_token}, {@code eos_token}, ...), in file order
 * @param addedTokens tokens to be added to those in tokenizer.json, or whose flags replace theirs
 * @param specials tokens that must be special; their other flags count only if nobody else knows the token
 * @param addBos whether encoding with special tokens starts with bos; absent: as tokenizer.json says
 * @param addEos whether it ends with eos; absent: as tokenizer.json says
 * @param cleanUpSpaces whether decoding removes spaces before punctuation
 * @param cleanUpSpacesOfBpe whether it does so even for a BPE model, whose spaces are never superfluous
 */
record TokenizerConfig(
        Map<String, String> specialTokens,
        List<AddedToken> addedTokens,
        List<AddedToken> specials,
        Optional<Boolean> addBos,
        Optional<Boolean> addEos,
        boolean cleanUpSpaces,
        boolean cleanUpSpacesOfBpe) {

    static final String FILE = "tokenizer_config.json";

    private static final List<String> NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final List<String> LISTS = List.of("additional_special_tokens", "extra_special_tokens");

    static TokenizerConfig read(Path folder) {
        Path file = folder.resolve(FILE);
        JsonNode config = readObject(file);
        if (config.path("split_special_tokens").asBoolean(false)) {
            throw new TokenizerException(file, "split_special_tokens is true; only false is supported");
        }
        // Files of Transformers 4.34 and later carry everything; before that, special_tokens_map.json had the last
        // word.
        JsonNode legacy = config.has("added_tokens_decoder")
                ? config.path("no legacy file")
                : readObject(folder.resolve("special_tokens_map.json"));

        Map<Integer, AddedToken> numbered = new TreeMap<>();
        config.path("added_tokens_decoder")
                .properties()
                .forEach(entry -> numbered.put(idOf(file, entry.getKey()), AddedToken.of(entry.getValue())));

        List<AddedToken> specials = new ArrayList<>();
        Map<String, String> named = new LinkedHashMap<>();
        for (String name : NAMES) {
            JsonNode node = legacy.hasNonNull(name) ? legacy.path(name) : config.path(name);
            content(node).ifPresent(text -> {
                named.put(name, text);
                addSpecial(specials, node);
            });
        }
        for (String list : LISTS) {
            JsonNode node = legacy.hasNonNull(list) ? legacy.path(list) : config.path(list);
            if (node.isObject()) {
                node.properties()
                        .forEach(entry -> content(entry.getValue()).ifPresent(text -> {
                            named.put(entry.getKey(), text);
                            addSpecial(specials, entry.getValue());
                        }));
            } else {
                node.forEach(item -> addSpecial(specials, item));
            }
        }
        Stream.concat(numbered.values().stream(), specials.stream())
                .filter(token -> !Surrogates.areWhole(token.content()))
                .findFirst()
                .ifPresent(token -> {
                    throw new TokenizerException(file, "names a token with half a character");
                });
        return new TokenizerConfig(
                named,
                List.copyOf(numbered.values()),
                specials,
                flag(config, "add_bos_token"),
                flag(config, "add_eos_token"),
                config.path("clean_up_tokenization_spaces").asBoolean(false),
                config.path("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output")
                        .asBoolean(false));
    }

    /** The file as an object; an empty one if there is no file. */
    static JsonNode readObject(Path file) {
        JsonMapper mapper = JsonMapper.shared();
        if (!Files.exists(file)) {
            return mapper.createObjectNode();
        }
        JsonNode node;
        try {
            node = mapper.readTree(file);
        } catch (RuntimeException e) {
            throw new TokenizerException(file, "not readable as JSON: " + e.getMessage(), e);
        }
        if (!node.isObject()) {
            throw new TokenizerException(file, "must hold a JSON object");
        }
        return node;
    }

    private static void addSpecial(List<AddedToken> specials, JsonNode node) {
        content(node)
                .ifPresent(text ->
                        specials.add(node.isObject() ? AddedToken.of(node).asSpecial() : AddedToken.special(text)));
    }

    /** The file's tokens, changed and completed as this configuration asks. */
    List<AddedToken> complete(List<AddedToken> inFile) {
        Map<String, AddedToken> all = new LinkedHashMap<>();
        inFile.forEach(token -> all.put(token.content(), token));
        addedTokens.forEach(token -> all.put(token.content(), token));
        specials.forEach(token -> all.put(
                token.content(), all.getOrDefault(token.content(), token).asSpecial()));
        return List.copyOf(all.values());
    }

    /** The text of a token in either spelling: a string, or an object with a {@code content}. */
    private static Optional<String> content(JsonNode node) {
        JsonNode text = node.isObject() ? node.path("content") : node;
        return text.isString() && !text.asString().isEmpty() ? Optional.of(text.asString()) : Optional.empty();
    }

    private static Optional<Boolean> flag(JsonNode config, String name) {
        return config.has(name) ? Optional.of(config.path(name).asBoolean(false)) : Optional.empty();
    }

    private static Integer idOf(Path file, String key) {
        try {
            return Integer.valueOf(key);
        } catch (NumberFormatException e) {
            throw new TokenizerException(file, "added_tokens_decoder has the key \"" + key + "\", not a token id", e);
        }
    }
}
