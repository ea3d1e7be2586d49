package lorikeet.runtime.text;

import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;

/**
 * What Hugging Face's tokenizers take for granted of a {@code tokenizer.json} without looking: where it is not so, they
 * end the whole process, in place of an error. Found by reading version 0.21 and by breaking files at random.
 *
 * <p>Looks at the parts around the model: normalizer, pre-tokenizer, post-processor, decoder. What else is wrong with
 * them the native library tells by itself.
 */
final class TokenizerGuards {
    /** Far more than sound files need; less than the native JSON reader allows. */
    private static final int DEEPEST = 32;

    private final Path file;
    private final String part;

    private TokenizerGuards(Path file, String part) {
        this.file = file;
        this.part = part;
    }

    /**
     * Checks one part.
     *
     * @param part its name in the file
     * @throws TokenizerException if it would end the process, or may do so with some text
     */
    static void check(Path file, String part, JsonNode node) {
        new TokenizerGuards(file, part).check(node, 0);
    }

    private void check(JsonNode node, int depth) {
        if (depth > DEEPEST) {
            throw refused("is nested more than " + DEEPEST + " deep");
        }
        if (node.isString() && !Surrogates.areWhole(node.stringValue())) {
            throw refused("has a text with half a character");
        }
        if (node.isNumber() && !isOrdinary(node)) {
            throw refused("has a number that is too large");
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!Surrogates.areWhole(field.getKey())) {
                throw refused("has a name with half a character");
            }
            checkField(node, field.getKey(), field.getValue());
        }
        node.forEach(child -> check(child, depth + 1));
    }

    private static boolean isOrdinary(JsonNode number) {
        return number.isIntegralNumber()
                ? number.canConvertToLong()
                : Double.isFinite(number.asDouble(Double.POSITIVE_INFINITY));
    }

    private void checkField(JsonNode object, String name, JsonNode value) {
        switch (part + " " + name) {
            case "normalizer precompiled_charsmap" -> {
                if (!value.isString() || !PrecompiledCharsmap.isSound(value.stringValue())) {
                    throw refused("has a precompiled_charsmap that is damaged");
                }
            }
            case "normalizer prepend" -> {
                if (value.asString("").isEmpty()) {
                    throw refused("puts nothing in front of texts");
                }
            }
            case "normalizer pattern" -> {
                if (matchesNothing(value)) {
                    throw refused("replaces what matches an empty text");
                }
            }
            case "pre_tokenizer length" -> {
                if (value.asLong(1) < 1) {
                    throw refused("cuts texts into pieces of length " + value.asLong(1));
                }
            }
            case "decoder stop" -> {
                // A token of nothing but such characters would be stripped of more than it has.
                if (value.asLong(0) != 0) {
                    throw refused("strips the ends of tokens, which is not supported: stop must be 0");
                }
            }
            case "post_processor single" -> checkTemplate(value, object.path("special_tokens"));
            default -> {
                // Anything may stand there.
            }
        }
    }

    /** True if a pattern finds something where nothing is. */
    private static boolean matchesNothing(JsonNode pattern) {
        JsonNode regex = pattern.path("Regex");
        if (!regex.isString()) {
            return pattern.path("String").asString("").isEmpty();
        }
        try {
            return Pattern.compile(regex.stringValue()).matcher("").find();
        } catch (PatternSyntaxException e) {
            return false; // Not one of Java's; the native library has more to say of it.
        }
    }

    /** The template for one text may refer to that text, and to special tokens that are described. */
    private void checkTemplate(JsonNode template, JsonNode specialTokens) {
        for (JsonNode piece : template) {
            JsonNode id = piece.path("SpecialToken").path("id");
            if (id.isString() && !specialTokens.has(id.stringValue())) {
                throw refused("uses a special token that its special_tokens don't have: " + id);
            }
            if (piece.path("Sequence").path("id").asString("A").equals("B")) {
                throw refused("uses a second text in the template for one");
            }
        }
    }

    private TokenizerException refused(String problem) {
        return new TokenizerException(file, "its " + part + " " + problem);
    }
}
