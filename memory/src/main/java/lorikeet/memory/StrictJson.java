package lorikeet.memory;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads one JSON object from a hostile file, token by token. Whatever is wrong with it becomes an
 * {@link InvalidFileException}, and no more memory is taken than what the caller keeps.
 */
final class StrictJson implements AutoCloseable {
    private static final StreamReadConstraints LIMITS = StreamReadConstraints.builder()
            .maxNestingDepth(16)
            .maxNameLength(10_000)
            .maxNumberLength(100)
            .maxStringLength(20_000_000)
            .build();

    /** Names rarely come twice, so a table of those seen would only cost. */
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .streamReadConstraints(LIMITS)
            .build();

    private final Path file;
    private final String what;
    private final JsonParser parser;
    private @Nullable String tensor;

    /**
     * Starts reading.
     *
     * @param what what the JSON is, for messages, such as "the header"
     */
    StrictJson(Path file, String what, InputStream in) {
        this.file = file;
        this.what = what;
        // A reader of our own, because the parser's decoder lets some malformed UTF-8 pass, and accepts other charsets.
        InputStreamReader utf8 = new InputStreamReader(
                in,
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
        this.parser = FACTORY.createParser(ObjectReadContext.empty(), utf8);
    }

    /** From here on, errors name this tensor; none if null. */
    void about(@Nullable String name) {
        tensor = name;
    }

    InvalidFileException invalid(String problem) {
        return new InvalidFileException(file, tensor, problem, null);
    }

    /** Takes the start of an object. */
    void startObject(String role) {
        take(JsonToken.START_OBJECT, role, "an object");
    }

    /** Takes the start of an array. */
    void startArray(String role) {
        take(JsonToken.START_ARRAY, role, "an array");
    }

    /** Takes the next key of an object, or its end, which is null. */
    @Nullable
    String key() {
        return next() == JsonToken.END_OBJECT ? null : call(parser::currentName);
    }

    /** Takes a string. */
    String string(String role) {
        take(JsonToken.VALUE_STRING, role, "a string");
        return call(parser::getString);
    }

    /** Takes the next integer of an array, from 0 to 2^63 - 1, or the array's end, which is -1. */
    long count(String role) {
        JsonToken token = next();
        if (token == JsonToken.END_ARRAY) {
            return -1;
        }
        if (token == JsonToken.VALUE_NUMBER_INT) {
            String digits = call(parser::getString);
            try {
                if (!digits.startsWith("-")) {
                    return Long.parseLong(digits);
                }
            } catch (NumberFormatException e) {
                // Beyond a long: refused below.
            }
        }
        throw invalid(role + " holds " + found(token) + "; integers from 0 to 2^63 - 1 are accepted");
    }

    /** Passes over one value, whatever it is. */
    void skip() {
        next();
        call(parser::skipChildren);
    }

    /** Checks that only white space follows. */
    void end() {
        JsonToken token = next();
        if (token != null) {
            throw invalid(what + " goes on with " + found(token) + " after its object; white space is accepted");
        }
    }

    @Override
    public void close() {
        parser.close();
    }

    private void take(JsonToken wanted, String role, String accepted) {
        JsonToken token = next();
        if (token != wanted) {
            throw invalid(role + " is " + found(token) + "; " + accepted + " is needed");
        }
    }

    private @Nullable JsonToken next() {
        return call(parser::nextToken);
    }

    private String found(@Nullable JsonToken token) {
        return switch (token) {
            case null -> "missing";
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> "the string " + Quoted.of(call(parser::getString));
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "the number " + call(parser::getString);
            default -> call(parser::getString);
        };
    }

    private <T extends @Nullable Object> T call(Supplier<T> step) {
        try {
            return step.get();
        } catch (JacksonException e) {
            String problem = switch (e.getCause()) {
                case CharacterCodingException malformed -> " is not valid UTF-8";
                case IOException failed -> " could not be read: " + failed;
                case null, default ->
                    " is not valid JSON at character "
                            + parser.currentLocation().getCharOffset() + ": " + e.getOriginalMessage();
            };
            throw new InvalidFileException(file, tensor, what + problem, e);
        }
    }
}
