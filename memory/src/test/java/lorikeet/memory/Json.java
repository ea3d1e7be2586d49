package lorikeet.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A JSON text as a tree that can be spoilt: unlike a map's, its keys may repeat, and its leaves needn't be JSON at all. */
final class Json {
    private static final List<String> NASTY = List.of(
            "null",
            "true",
            "{}",
            "[]",
            "\"\"",
            "0",
            "1",
            "-1",
            "-0",
            "1.5",
            "1e3",
            "1e999999999",
            "NaN",
            "00",
            "2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "9".repeat(1500),
            "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
            "{\"a\":{\"a\":{\"a\":1}}}",
            "\"F32\"",
            "\"F4\"",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"\uD83D\uDE00\"",
            "\"" + "x".repeat(20_000) + "\"",
            "[0,0]",
            "[0,8]",
            "[1,1,1]",
            "[4294967296,4294967296,4294967296]",
            "[9223372036854775807,9223372036854775807]",
            "");

    private static final List<String> NASTY_KEYS = List.of(
            "", "dtype", "shape", "data_offsets", "__metadata__", "a", "\\u0061", "\\ud800", "k".repeat(20_000), "\"");

    private final List<String> keys = new ArrayList<>();
    private final List<Json> children = new ArrayList<>();
    private String open;
    private final String close;

    private Json(String open, String close) {
        this.open = open;
        this.close = close;
    }

    static Json object() {
        return new Json("{", "}");
    }

    static Json array(long... numbers) {
        Json array = new Json("[", "]");
        for (long number : numbers) {
            array.add("", leaf(String.valueOf(number)));
        }
        return array;
    }

    static Json leaf(String text) {
        return new Json(text, "");
    }

    Json add(String key, Json child) {
        keys.add(key);
        children.add(child);
        return this;
    }

    /** Makes one change somewhere in the tree. */
    void spoil(Random random) {
        List<Json> nodes = new ArrayList<>();
        collect(nodes);
        nodes.get(random.nextInt(nodes.size())).spoilHere(random, nodes);
    }

    private void collect(List<Json> nodes) {
        nodes.add(this);
        children.forEach(child -> child.collect(nodes));
    }

    private void spoilHere(Random random, List<Json> nodes) {
        if (children.isEmpty()) {
            open = nudged(random);
            return;
        }
        int i = random.nextInt(children.size());
        switch (random.nextInt(7)) {
            case 0 -> {
                keys.remove(i);
                children.remove(i);
            }
            case 1 -> add(keys.get(i), children.get(i));
            case 2 -> keys.set(i, NASTY_KEYS.get(random.nextInt(NASTY_KEYS.size())));
            case 3 -> children.set(i, leaf(NASTY.get(random.nextInt(NASTY.size()))));
            case 4 -> {
                Json other = nodes.get(random.nextInt(nodes.size()));
                children.set(i, leaf(other.toString()));
            }
            case 5 ->
                add(NASTY_KEYS.get(random.nextInt(NASTY_KEYS.size())), leaf(NASTY.get(random.nextInt(NASTY.size()))));
            default -> {
                Json first = children.set(0, children.get(i));
                children.set(i, first);
            }
        }
    }

    private String nudged(Random random) {
        if (random.nextBoolean() && open.matches("\\d{1,18}")) {
            return String.valueOf(Long.parseLong(open) + random.nextInt(-8, 9));
        }
        return NASTY.get(random.nextInt(NASTY.size()));
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(open);
        for (int i = 0; i < children.size(); i++) {
            text.append(i == 0 ? "" : ",");
            if (open.equals("{")) {
                text.append('"').append(keys.get(i)).append("\":");
            }
            text.append(children.get(i));
        }
        return text.append(close).toString();
    }
}
