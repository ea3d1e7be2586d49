package lorikeet.runtime.json;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A JSON object of a configuration file. A field that is null counts as absent. Wrong types are INVALID_FILE errors that
 * name the file and the field.
 */
public final class JsonObject {
    private final String where;
    private final JsonNode node;

    /**
     * Wraps an object.
     *
     * @param where what to call it in errors: the file, and the field if it is nested
     * @param node an object node
     */
    public JsonObject(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /** What this object is called in errors. */
    public String where() {
        return where;
    }

    /** The names of all fields, in the order of the file. */
    public Collection<String> names() {
        return node.propertyNames();
    }

    /** True if the field is there and not null. */
    public boolean has(String name) {
        return present(name) != null;
    }

    /** The field's value as Jackson has it, or null. */
    public @Nullable JsonNode present(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    /** A whole number, if there. */
    public OptionalInt integer(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (value.isIntegralNumber() && value.canConvertToInt()) {
            return OptionalInt.of(value.intValue());
        }
        double number = value.isNumber() ? asDouble(value) : Double.NaN;
        if (number == (int) number) {
            return OptionalInt.of((int) number);
        }
        throw wrong(name, value, "a whole number");
    }

    /** A whole number that must be there and be at least {@code least}. */
    public int integer(String name, int least) {
        int value = integer(name).orElseThrow(() -> missing(name));
        return atLeast(name, value, least);
    }

    /** A whole number of at least {@code least}, or the default. */
    public int integerOr(String name, int least, int otherwise) {
        OptionalInt value = integer(name);
        return value.isPresent() ? atLeast(name, value.getAsInt(), least) : otherwise;
    }

    private int atLeast(String name, int value, int least) {
        if (value < least) {
            throw new LorikeetException(
                    ErrorCode.INVALID_FILE, where + ": " + name + " is " + value + ", it must be at least " + least);
        }
        return value;
    }

    /** A number, if there. */
    public OptionalDouble number(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (!value.isNumber() || !Double.isFinite(asDouble(value))) {
            throw wrong(name, value, "a number");
        }
        return OptionalDouble.of(asDouble(value));
    }

    /** Infinity where a number is too large, which Jackson refuses to convert. */
    private static double asDouble(JsonNode number) {
        return number.isBigInteger() ? number.bigIntegerValue().doubleValue() : number.doubleValue();
    }

    /** A number that must be there. */
    public double requiredNumber(String name) {
        return number(name).orElseThrow(() -> missing(name));
    }

    /** A truth value, or the default. */
    public boolean bool(String name, boolean otherwise) {
        JsonNode value = present(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            throw wrong(name, value, "true or false");
        }
        return value.booleanValue();
    }

    /** A text, if there. */
    public Optional<String> string(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isString()) {
            throw wrong(name, value, "a text");
        }
        return Optional.of(value.stringValue());
    }

    /** A nested object, if there. */
    public Optional<JsonObject> object(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isObject()) {
            throw wrong(name, value, "an object");
        }
        return Optional.of(new JsonObject(where + ": " + name, value));
    }

    /** A list of texts, if there; a single text counts as a list of one. */
    public Optional<List<String>> strings(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (value.isString()) {
            return Optional.of(List.of(value.stringValue()));
        }
        if (!value.isArray()) {
            throw wrong(name, value, "a list of texts");
        }
        List<String> list = new ArrayList<>();
        for (JsonNode element : value) {
            if (!element.isString()) {
                throw wrong(name, value, "a list of texts");
            }
            list.add(element.stringValue());
        }
        return Optional.of(list);
    }

    /** A list of whole numbers, if there; a single number counts as a list of one. */
    public Optional<List<Integer>> integers(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (value.isIntegralNumber() && value.canConvertToInt()) {
            return Optional.of(List.of(value.intValue()));
        }
        if (!value.isArray()) {
            throw wrong(name, value, "a list of whole numbers");
        }
        List<Integer> list = new ArrayList<>();
        for (JsonNode element : value) {
            if (!element.isIntegralNumber() || !element.canConvertToInt()) {
                throw wrong(name, value, "a list of whole numbers");
            }
            list.add(element.intValue());
        }
        return Optional.of(list);
    }

    /** A list of numbers, if there. */
    public Optional<double[]> numbers(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isArray()) {
            throw wrong(name, value, "a list of numbers");
        }
        double[] list = new double[value.size()];
        for (int i = 0; i < list.length; i++) {
            if (!value.get(i).isNumber()) {
                throw wrong(name, value, "a list of numbers");
            }
            list[i] = asDouble(value.get(i));
        }
        return Optional.of(list);
    }

    /** A list of objects that must be there. */
    public List<JsonObject> objects(String name) {
        JsonNode value = present(name);
        if (value == null) {
            throw missing(name);
        }
        if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isObject)) {
            throw wrong(name, value, "a list of objects");
        }
        List<JsonObject> list = new ArrayList<>();
        for (JsonNode element : value) {
            list.add(new JsonObject(where + ": " + name + "[" + list.size() + "]", element));
        }
        return list;
    }

    /** A list of objects as plain maps, if there. */
    public Optional<List<Map<String, Object>>> maps(String name) {
        JsonNode value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isArray() || !value.valueStream().allMatch(JsonNode::isObject)) {
            throw wrong(name, value, "a list of objects");
        }
        return Optional.of(JsonFile.maps(value));
    }

    /** An INVALID_FILE error for a field that is not there. */
    public LorikeetException missing(String name) {
        return new LorikeetException(ErrorCode.INVALID_FILE, where + ": " + name + " is missing");
    }

    /** An INVALID_FILE error for a field of the wrong kind. */
    public LorikeetException wrong(String name, JsonNode found, String accepted) {
        String text = found.toString();
        if (text.length() > 80) {
            text = text.substring(0, 77) + "...";
        }
        return new LorikeetException(
                ErrorCode.INVALID_FILE, where + ": " + name + " is " + text + ", it must be " + accepted);
    }

    /** An INCOMPATIBLE error: something sound that is not supported. */
    public LorikeetException unsupported(String what) {
        return new LorikeetException(ErrorCode.INCOMPATIBLE, where + ": " + what);
    }
}
