package lorikeet.runtime.verify;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.Answer;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Request;
import lorikeet.runtime.verify.Reference.ReferenceChat;
import lorikeet.runtime.verify.Reference.ReferenceRequest;
import lorikeet.runtime.verify.Reference.ReferenceText;

/**
 * Runs a reference file's cases and reports each difference: every request alone, all requests in one mixed batch, the
 * tokenizer, and the chat template.
 */
public final class Verifier {
    private final Lorikeet model;
    private final Reference reference;
    private final Tolerance tolerance;
    private final Path adapterFolder;
    private final List<String> differences = new ArrayList<>();

    /**
     * What came out.
     *
     * @param section what was compared
     * @param cases number of cases
     * @param differences one line for each difference
     * @param largestError the largest error of the logits, in the tolerance's measure; 0 where there are none
     */
    public record Result(String section, int cases, List<String> differences, float largestError) {
        public Result {
            differences = List.copyOf(differences);
        }
    }

    /**
     * A part of the verification.
     *
     * @param name what it compares, for people
     * @param cases number of cases
     * @param body compares, and tells its argument of each case that is done
     */
    public record Section(String name, int cases, Function<Runnable, Float> body) {}

    /**
     * A verification.
     *
     * @param model the open model; adapters are loaded into it and stay
     * @param reference what to compare with
     * @param adapterFolder holds the adapters' folders that the reference names
     * @param tolerance how far results may be off
     */
    public Verifier(Lorikeet model, Reference reference, Path adapterFolder, Tolerance tolerance) {
        this.model = model;
        this.reference = reference;
        this.adapterFolder = adapterFolder;
        this.tolerance = tolerance;
    }

    /** The sections, in the order in which they should run. */
    public List<Section> sections() {
        int requests = reference.requests().size();
        return List.of(
                new Section("requests, each alone", requests, this::alone),
                new Section("requests, all in one batch", requests, this::mixed),
                new Section("tokenizer", reference.texts().size(), this::tokenizer),
                new Section("chat template", reference.chats().size(), this::chat));
    }

    /**
     * Runs one section.
     *
     * @param progress is told of each case that is done
     */
    public Result run(Section section, Runnable progress) {
        differences.clear();
        float error = section.body().apply(progress);
        return new Result(section.name(), section.cases(), differences, error);
    }

    private float alone(Runnable progress) {
        float error = 0;
        for (int i = 0; i < reference.requests().size(); i++) {
            error = Math.max(error, compare(List.of(i), "alone"));
            progress.run();
        }
        return error;
    }

    private float mixed(Runnable progress) {
        List<Integer> all =
                IntStream.range(0, reference.requests().size()).boxed().toList();
        if (all.isEmpty()) {
            return 0;
        }
        float error = compare(all, "in the batch");
        if (tolerance == Tolerance.FLOAT32) {
            compareBits(all);
        }
        all.forEach(index -> progress.run());
        return error;
    }

    private float compare(List<Integer> indexes, String how) {
        float largest = 0;
        List<float[]> logits = model.logits(indexes.stream().map(this::prompt).toList());
        for (int i = 0; i < indexes.size(); i++) {
            float[] expected = reference.requests().get(indexes.get(i)).logits();
            float[] found = logits.get(i);
            if (found.length != expected.length) {
                differences.add(name(indexes.get(i), how) + ": " + found.length + " logits, the reference has "
                        + expected.length);
                continue;
            }
            float error = tolerance.logitError(found, expected);
            largest = Math.max(largest, error);
            if (!(error <= tolerance.maxLogitError())) {
                differences.add(name(indexes.get(i), how) + ": the logits are off by " + error + ", at most "
                        + tolerance.maxLogitError() + " is accepted");
            }
        }
        compareGreedy(indexes, how);
        return largest;
    }

    /** A request's bits must not depend on who shares its batch. */
    private void compareBits(List<Integer> indexes) {
        List<float[]> together = model.logits(indexes.stream().map(this::prompt).toList());
        for (int index : indexes) {
            float[] alone = model.logits(List.of(prompt(index))).getFirst();
            if (!Arrays.equals(alone, together.get(index))) {
                differences.add(name(index, "in the batch") + ": the logits are not the same bits as alone");
            }
        }
    }

    /** Where a token may differ because the margin is small, decoding goes on from the reference's token. */
    private void compareGreedy(List<Integer> indexes, String how) {
        int[] done = new int[reference.requests().size()];
        List<Integer> left = new ArrayList<>(indexes);
        while (!left.isEmpty()) {
            List<Request> requests =
                    left.stream().map(index -> continuation(index, done[index])).toList();
            List<Answer> answers = model.generate(requests);
            for (int i = 0; i < answers.size(); i++) {
                int index = left.get(i);
                done[index] = compareTokens(index, done[index], answers.get(i), how);
            }
            left.removeIf(
                    index -> done[index] >= reference.requests().get(index).greedy().length);
        }
    }

    /** Compares tokens from {@code from} on; returns from where decoding must be taken up again. */
    private int compareTokens(int index, int from, Answer answer, String how) {
        ReferenceRequest request = reference.requests().get(index);
        int end = request.greedy().length;
        for (int i = from; i < end; i++) {
            boolean certain = request.margins()[i] > tolerance.minMargin();
            if (!certain && tolerance != Tolerance.FLOAT32) {
                return end;
            }
            int found = answer.choices().getFirst().tokens().get(i - from).id();
            if (found == request.greedy()[i]) {
                continue;
            }
            if (!certain) {
                return i + 1;
            }
            differences.add(name(index, how) + ": greedy token " + i + " is " + found + ", the reference has "
                    + request.greedy()[i] + " with a margin of " + request.margins()[i]);
            return end;
        }
        return end;
    }

    private Request prompt(int index) {
        return continuation(index, 0);
    }

    private Request continuation(int index, int done) {
        ReferenceRequest request = reference.requests().get(index);
        List<Integer> tokens = new ArrayList<>(request.prompt());
        for (int i = 0; i < done; i++) {
            tokens.add(request.greedy()[i]);
        }
        Adapter adapter = request.adapter() == null ? null : adapter(request.adapter());
        return Request.tokens(tokens)
                .adapter(adapter)
                .maxTokens(Math.max(1, request.greedy().length - done))
                .ignoreEnd(true);
    }

    private Adapter adapter(String name) {
        return model.adapter(name).orElseGet(() -> model.load(name, adapterFolder.resolve(name)));
    }

    private String name(int index, String how) {
        ReferenceRequest request = reference.requests().get(index);
        String adapter = request.adapter() == null ? "the base model" : "adapter " + request.adapter();
        return "request " + index + " (" + adapter + ", " + request.prompt().size() + " prompt tokens) " + how;
    }

    private float tokenizer(Runnable progress) {
        for (ReferenceText text : reference.texts()) {
            int[] ids = model.tokenizer().encode(text.text(), false);
            if (!Arrays.equals(ids, text.ids())) {
                differences.add("text " + quoted(text.text()) + " has the tokens " + Arrays.toString(ids)
                        + ", the reference has " + Arrays.toString(text.ids()));
            }
            String decoded = model.tokenizer().decode(text.ids(), false);
            if (!decoded.equals(text.decoded())) {
                differences.add("tokens " + Arrays.toString(text.ids()) + " are the text " + quoted(decoded)
                        + ", the reference has " + quoted(text.decoded()));
            }
            progress.run();
        }
        return 0;
    }

    private float chat(Runnable progress) {
        for (int i = 0; i < reference.chats().size(); i++) {
            ReferenceChat chat = reference.chats().get(i);
            String text = model.renderChat(chat.messages(), chat.tools());
            if (!text.equals(chat.text())) {
                differences.add(
                        "chat " + i + " is rendered as " + quoted(text) + ", the reference has " + quoted(chat.text()));
            }
            int[] ids = model.tokenizer().encode(chat.text(), false);
            if (!Arrays.equals(ids, chat.ids())) {
                differences.add("chat " + i + " has the tokens " + Arrays.toString(ids) + ", the reference has "
                        + Arrays.toString(chat.ids()));
            }
            progress.run();
        }
        return 0;
    }

    private static String quoted(String text) {
        return '"' + text.replace("\n", "\\n") + '"';
    }
}
