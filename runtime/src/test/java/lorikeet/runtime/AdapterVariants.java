package lorikeet.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.memory.Safetensors;
import lorikeet.memory.Tensor;

/** Adapters for the small Llama that are told apart by what they answer. */
public final class AdapterVariants {
    public static final Path MODEL = Golden.set("llama").resolve("model");

    private static final Path PATTERN = Golden.set("llama").resolve("adapters/qv-r4-f32");
    private static final String WEIGHTS = "adapter_model.safetensors";
    public static final int TOKENS = 12;

    /** Difference of logits between the token that is chosen and the next best; bf16 moves a logit by some 0.025. */
    private static final double CLEAR = 0.15;

    /** Longer than a block of the cache, so that it can be found there. */
    public static final List<Integer> PROMPT =
            IntStream.rangeClosed(1, 20).map(i -> 45 * i % 512).boxed().toList();

    private final List<Path> folders = new ArrayList<>();
    private final List<List<Integer>> answers = new ArrayList<>();

    /**
     * Writes {@code count} of them into a folder, as 0, 1, 2 and so on, and notes what the CPU answers with each. All
     * answers are clear: no token was chosen by so little that another device's rounding might choose another.
     */
    public AdapterVariants(Path parent, int count) {
        try (Lorikeet model = Lorikeet.open(MODEL, Options.DEFAULT.device(DeviceChoice.CPU))) {
            for (int seed = 0; folders.size() < count; seed++) {
                Path folder = write(parent.resolve(String.valueOf(folders.size())), seed);
                Adapter adapter = model.load("seed " + seed, folder);
                Choice choice = answer(model, request().adapter(adapter));
                model.unload(adapter.name(), Unload.AND_WAIT);
                if (isClear(choice)) {
                    folders.add(folder);
                    answers.add(tokens(choice));
                }
            }
            Choice base = answer(model, request());
            if (!isClear(base)) {
                throw new IllegalStateException("the base model's answer isn't clear");
            }
            answers.add(tokens(base));
        }
        if (new HashSet<>(answers).size() != count + 1) {
            throw new IllegalStateException("two adapters answer the same");
        }
    }

    private static Choice answer(Lorikeet model, Request request) {
        return model.generate(request.sampling(SamplingSettings.GREEDY.withLogProbs(2)))
                .choices()
                .getFirst();
    }

    private static boolean isClear(Choice choice) {
        return choice.tokens().stream()
                .map(SampledToken::alternatives)
                .allMatch(two -> two.getFirst().logProb() - two.getLast().logProb() > CLEAR);
    }

    private static Path write(Path folder, int seed) {
        try {
            Files.createDirectories(folder);
            for (String file : List.of("adapter_config.json", WEIGHTS)) {
                Files.deleteIfExists(folder.resolve(file));
            }
            Files.copy(PATTERN.resolve("adapter_config.json"), folder.resolve("adapter_config.json"));
            byte[] bytes = Files.readAllBytes(PATTERN.resolve(WEIGHTS));
            ByteBuffer content = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            SplittableRandom random = new SplittableRandom(seed);
            try (Arena arena = Arena.ofConfined()) {
                Safetensors file = Safetensors.open(PATTERN.resolve(WEIGHTS), arena);
                for (Tensor tensor : file.tensors().values()) {
                    long at = tensor.data().address() - file.mapped().address();
                    for (long to = at + tensor.data().byteSize(); at < to; at += Float.BYTES) {
                        content.putFloat((int) at, (float) random.nextDouble(-0.5, 0.5));
                    }
                }
            }
            Files.write(folder.resolve(WEIGHTS), bytes);
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The request whose answer tells them apart; its adapter is still to be named. */
    static Request request() {
        return Request.tokens(PROMPT).maxTokens(TOKENS).ignoreEnd(true);
    }

    static List<Integer> tokens(Answer answer) {
        return tokens(answer.choices().getFirst());
    }

    static List<Integer> tokens(Choice choice) {
        return choice.tokens().stream().map(token -> token.id()).toList();
    }

    int count() {
        return folders.size();
    }

    Path folder(int variant) {
        return folders.get(variant);
    }

    /** What a variant answers to {@link #request}. */
    public List<Integer> answer(int variant) {
        return answers.get(variant);
    }

    /** What the base model answers to {@link #request}. */
    List<Integer> baseAnswer() {
        return answers.getLast();
    }
}
