package lorikeet.runtime.text;

import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Breaks a tokenizer.json, as text or as a tree: values that don't belong where they are, parts lost, doubled or moved. */
public final class TokenizerMutations {
    private static final List<String> ODD_VALUES = List.of(
            "null",
            "true",
            "-1",
            "0",
            "1",
            "0.5",
            "1e400",
            "4294967296",
            "9223372036854775807",
            "18446744073709551615",
            "123456789012345678901234567890",
            "\"\"",
            "\"a\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"(\"",
            "\"(a*)*b\"",
            "\"BPE\"",
            "\"Unigram\"",
            "\"WordPiece\"",
            "\"WordLevel\"",
            "[]",
            "{}",
            "[null]",
            "[[\"a\", -1.5], [\"b\", 1e400]]",
            "{\"a\": 16777215}",
            "{\"a\": 0, \"b\": 0}",
            "[".repeat(3000) + "]".repeat(3000));

    /** Parts that a file may have, in forms that nobody should write. */
    private static final List<String> ODD_PARTS = List.of(
            "{\"type\": \"Sequence\", \"normalizers\": []}",
            "{\"type\": \"Sequence\", \"pretokenizers\": []}",
            "{\"type\": \"Sequence\", \"decoders\": []}",
            "{\"type\": \"Sequence\", \"processors\": []}",
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}",
            "{\"type\": \"ByteFallback\"}",
            "{\"type\": \"Fuse\"}",
            "{\"type\": \"Strip\", \"content\": \"a\", \"start\": 1000000, \"stop\": 1000000}",
            "{\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"aa\"}",
            "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(a|b\"}, \"content\": \"x\"}",
            "{\"type\": \"Prepend\", \"prepend\": \"\"}",
            "{\"type\": \"Metaspace\", \"replacement\": \"\", \"prepend_scheme\": \"always\", \"split\": true}",
            "{\"type\": \"Digits\", \"individual_digits\": true}",
            "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\"}, \"behavior\": \"Removed\", \"invert\": true}",
            "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}",
            "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////wAAAAA=\"}",
            "{\"type\": \"CTC\", \"pad_token\": \"\", \"word_delimiter_token\": \"\", \"cleanup\": true}",
            "{\"type\": \"WordPiece\", \"prefix\": \"\", \"cleanup\": true}",
            "{\"type\": \"BPEDecoder\", \"suffix\": \"\"}",
            "{\"type\": \"RobertaProcessing\", \"sep\": [\"a\", 99999], \"cls\": [\"b\", 99999],"
                    + " \"trim_offsets\": true, \"add_prefix_space\": true}",
            "{\"type\": \"TemplateProcessing\", \"single\": [], \"pair\": [], \"special_tokens\": {}}",
            "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}],"
                    + " \"pair\": [], \"special_tokens\": {}}",
            "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}],"
                    + " \"pair\": [], \"special_tokens\": {\"x\": {\"id\": \"x\", \"ids\": [1], \"tokens\": []}}}",
            "{\"type\": \"WordLevel\", \"vocab\": {\"a\": 0}, \"unk_token\": \"z\"}",
            "{\"type\": \"WordPiece\", \"vocab\": {\"a\": 0}, \"unk_token\": \"z\","
                    + " \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 0}",
            "{\"type\": \"Unigram\", \"unk_id\": 7, \"vocab\": [[\"a\", 0.0]], \"byte_fallback\": true}",
            "{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [], \"byte_fallback\": false}",
            "{\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"aa\": 1000000}, \"merges\": [\"a a\"], \"unk_token\": \"z\"}",
            "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"dropout\": 0.5, \"byte_fallback\": true}",
            "{\"direction\": \"Right\", \"max_length\": 0, \"strategy\": \"LongestFirst\", \"stride\": 5}",
            "{\"strategy\": {\"Fixed\": 1000000000000}, \"direction\": \"Right\", \"pad_to_multiple_of\": 0,"
                    + " \"pad_id\": 0, \"pad_type_id\": 0, \"pad_token\": \"a\"}",
            "[{\"id\": 4000000000, \"content\": \"a\", \"single_word\": true, \"lstrip\": true, \"rstrip\": true,"
                    + " \"normalized\": true, \"special\": true}]",
            "[{\"id\": 3, \"content\": \"\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false,"
                    + " \"normalized\": false, \"special\": false}]");

    private static final List<String> PARTS = List.of(
            "normalizer",
            "pre_tokenizer",
            "post_processor",
            "decoder",
            "model",
            "truncation",
            "padding",
            "added_tokens",
            "version");

    private static final List<String> MODEL_FIELDS = List.of(
            "dropout",
            "unk_token",
            "continuing_subword_prefix",
            "end_of_word_suffix",
            "fuse_unk",
            "byte_fallback",
            "ignore_merges",
            "cache_capacity",
            "unk_id",
            "type");

    private static final Pattern PLACE = Pattern.compile("\"odd value (\\d+)\"");

    private final SplittableRandom random;

    /** Mutations that are those of the seed. */
    public TokenizerMutations(long seed) {
        random = new SplittableRandom(seed);
    }

    /** One broken form of a sound file; most, but not all of them, are no tokenizers any more. */
    public String broken(String sound) {
        if (random.nextInt(4) == 0) {
            return scrambled(sound);
        }
        JsonNode root = JsonMapper.shared().readTree(sound);
        for (int i = 0; i <= random.nextInt(3); i++) {
            change((ObjectNode) root);
        }
        return PLACE.matcher(root.toString())
                .replaceAll(place -> Matcher.quoteReplacement(ODD_VALUES.get(Integer.parseInt(place.group(1)))));
    }

    /** Some characters lost, doubled or changed, or the end missing. */
    private String scrambled(String sound) {
        StringBuilder text = new StringBuilder(sound);
        if (random.nextInt(5) == 0) {
            text.setLength(random.nextInt(text.length()));
        }
        for (int i = 0; i <= random.nextInt(6) && text.length() > 0; i++) {
            int from = random.nextInt(text.length());
            int to = Math.min(text.length(), from + random.nextInt(1, 40));
            switch (random.nextInt(3)) {
                case 0 -> text.delete(from, to);
                case 1 -> text.insert(random.nextInt(text.length()), text.substring(from, to));
                default -> text.setCharAt(from, (char) random.nextInt(0, 0x250));
            }
        }
        return text.toString();
    }

    private void change(ObjectNode root) {
        switch (random.nextInt(3)) {
            case 0 -> root.set(pick(PARTS), JsonMapper.shared().readTree(pick(ODD_PARTS)));
            case 1 -> {
                if (root.get("model") instanceof ObjectNode model) {
                    put(model, pick(MODEL_FIELDS));
                }
            }
            default -> changeSomewhere(root);
        }
    }

    /** Goes down to a random depth and changes what is there. */
    private void changeSomewhere(JsonNode root) {
        JsonNode node = root;
        while (true) {
            if (node.isEmpty()) {
                return;
            }
            int at = random.nextInt(node.size());
            JsonNode child = node instanceof ArrayNode array ? array.get(at) : node.get(name(node, at));
            if (child.isContainer() && !child.isEmpty() && random.nextInt(5) > 0) {
                node = child;
            } else if (node instanceof ArrayNode array) {
                changeElement(array, at);
                return;
            } else {
                changeField((ObjectNode) node, name(node, at));
                return;
            }
        }
    }

    private void changeElement(ArrayNode array, int at) {
        switch (random.nextInt(3)) {
            case 0 -> array.remove(at);
            case 1 -> array.insert(at, array.get(random.nextInt(array.size())));
            default -> array.set(at, odd());
        }
    }

    private void changeField(ObjectNode object, String name) {
        switch (random.nextInt(4)) {
            case 0 -> object.remove(name);
            case 1 -> object.set(name, object.get(name(object, random.nextInt(object.size()))));
            case 2 -> object.set(name + "x", object.get(name));
            default -> put(object, name);
        }
    }

    private void put(ObjectNode object, String name) {
        object.set(name, odd());
    }

    /** The place of an odd value, which is spelled out in the text alone: no tree can hold some of them. */
    private JsonNode odd() {
        return JsonMapper.shared().getNodeFactory().stringNode("odd value " + random.nextInt(ODD_VALUES.size()));
    }

    private String pick(List<String> values) {
        return values.get(random.nextInt(values.size()));
    }

    private static String name(JsonNode object, int at) {
        return List.copyOf(object.propertyNames()).get(at);
    }
}
