package lorikeet.runtime.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * How a tokenizer's tokens become text: the steps of the {@code decoder} section of tokenizer.json, or the decision to
 * leave it to the native decoder at the end of the output.
 */
final class DecoderPlan {
    /** Makes a step that hands its text on to the next one. */
    private interface Step extends Function<Consumer<String>, DecodeStep> {}

    private final Optional<List<Step>> steps;

    private DecoderPlan(Optional<List<Step>> steps) {
        this.steps = steps;
    }

    static DecoderPlan atTheEnd() {
        return new DecoderPlan(Optional.empty());
    }

    /** Reads a {@code decoder} section, a null node included. */
    static DecoderPlan of(JsonNode decoder) {
        List<JsonNode> nodes = new ArrayList<>();
        flatten(decoder, nodes);
        List<Step> steps = new ArrayList<>();
        // After these two there is a single long token, and a step sees it in fragments.
        boolean joined = false;
        for (JsonNode node : nodes) {
            Optional<Step> step = step(node, joined);
            if (step.isEmpty()) {
                return atTheEnd();
            }
            steps.add(step.get());
            String type = node.path("type").asString("");
            joined |= type.equals("Fuse") || type.equals("ByteLevel");
        }
        return steps.isEmpty() ? atTheEnd() : new DecoderPlan(Optional.of(steps));
    }

    private static void flatten(JsonNode decoder, List<JsonNode> out) {
        if (decoder.path("type").asString("").equals("Sequence")) {
            decoder.path("decoders").forEach(node -> flatten(node, out));
        } else {
            out.add(decoder);
        }
    }

    private static Optional<Step> step(JsonNode node, boolean joined) {
        return Optional.ofNullable(
                switch (node.path("type").asString("")) {
                    case "ByteLevel" -> joined ? null : DecodeStep.ByteLevel::new;
                    case "ByteFallback" -> joined ? null : DecodeStep.ByteFallback::new;
                    case "Fuse" -> DecodeStep.Fuse::new;
                    case "Replace" -> replace(node, joined);
                    case "Strip" -> strip(node, joined);
                    case "Metaspace" -> metaspace(node, joined);
                    default -> null;
                });
    }

    private static @Nullable Step replace(JsonNode node, boolean joined) {
        JsonNode pattern = node.path("pattern").path("String");
        // A pattern of several characters could lie across two fragments.
        if (!pattern.isString()
                || pattern.asString().isEmpty()
                || (joined && pattern.asString().length() > 1)) {
            return null;
        }
        String from = pattern.asString();
        String to = node.path("content").asString("");
        return next -> new DecodeStep.Map(next, token -> token.replace(from, to));
    }

    private static @Nullable Step strip(JsonNode node, boolean joined) {
        int start = node.path("start").asInt(0);
        int stop = node.path("stop").asInt(0);
        String content = node.path("content").asString("");
        if (stop != 0 || content.codePointCount(0, content.length()) != 1) {
            return null;
        }
        return next -> new DecodeStep.StripStart(next, content, start, joined);
    }

    private static @Nullable Step metaspace(JsonNode node, boolean joined) {
        String replacement = node.path("replacement").asString("\u2581");
        String scheme = node.path("prepend_scheme").asString("always");
        boolean never = scheme.equals("never")
                || (node.has("add_prefix_space")
                        && !node.path("add_prefix_space").asBoolean(true));
        return joined ? null : next -> new DecodeStep.Metaspace(next, replacement, !never);
    }

    /**
     * Starts an output.
     *
     * @param token the token of an id, or null if it stands for nothing
     * @param decode decodes a whole output
     */
    DecodeStream stream(IntFunction<@Nullable String> token, Function<int[], String> decode) {
        return steps.<DecodeStream>map(list -> new Stepwise(list, token)).orElseGet(() -> new AtTheEnd(decode));
    }

    private static final class Stepwise implements DecodeStream {
        private final IntFunction<@Nullable String> tokens;
        private final StringBuilder out = new StringBuilder();
        private final DecodeStep[] steps;

        Stepwise(List<Step> plan, IntFunction<@Nullable String> tokens) {
            this.tokens = tokens;
            this.steps = new DecodeStep[plan.size()];
            Consumer<String> next = out::append;
            for (int i = plan.size() - 1; i >= 0; i--) {
                DecodeStep step = plan.get(i).apply(next);
                steps[i] = step;
                next = step::accept;
            }
        }

        @Override
        public String push(int id) {
            String token = tokens.apply(id);
            if (token != null) {
                steps[0].accept(token);
            }
            return take();
        }

        @Override
        public String finish() {
            for (DecodeStep step : steps) {
                step.finish();
            }
            return take();
        }

        private String take() {
            String text = out.toString();
            out.setLength(0);
            return text;
        }
    }

    private static final class AtTheEnd implements DecodeStream {
        private final Function<int[], String> decode;
        private int[] ids = new int[64];
        private int count;

        AtTheEnd(Function<int[], String> decode) {
            this.decode = decode;
        }

        @Override
        public String push(int id) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, 2 * count);
            }
            ids[count++] = id;
            return "";
        }

        @Override
        public String finish() {
            String text = decode.apply(Arrays.copyOf(ids, count));
            count = 0;
            return text;
        }
    }
}
