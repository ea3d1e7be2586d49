package lorikeet.runtime.text;

import tools.jackson.databind.JsonNode;

/**
 * A token that is matched in the text before anything else happens to it.
 *
 * @param content its text
 * @param special whether decoding may leave it out
 * @param singleWord matched only as a whole word
 * @param lstrip whether it takes in the white space before it
 * @param rstrip whether it takes in the white space after it
 * @param normalized whether it is looked for in the normalized text
 */
record AddedToken(
        String content, boolean special, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized) {

    /** The form that a bare special token in a configuration file stands for. */
    static AddedToken special(String content) {
        return new AddedToken(content, true, false, false, false, false);
    }

    /** Reads the object form, {@code {"content": ..., "special": ...}}. */
    static AddedToken of(JsonNode node) {
        boolean special = node.path("special").asBoolean(false);
        return new AddedToken(
                node.path("content").asString(""),
                special,
                node.path("single_word").asBoolean(false),
                node.path("lstrip").asBoolean(false),
                node.path("rstrip").asBoolean(false),
                node.path("normalized").asBoolean(!special));
    }

    AddedToken asSpecial() {
        return new AddedToken(content, true, singleWord, lstrip, rstrip, normalized);
    }
}
