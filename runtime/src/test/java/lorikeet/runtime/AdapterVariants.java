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
import lorikeet.memory.Safetensors;
import lorikeet.memory.Tensor;

/** Adapters for the small Llama that are told apart by what they answer. */
final class AdapterVariants {
    static final Path MODEL = Golden.set("llama").resolve("model");

    private static final Path PATTERN = Golden.set("llama").resolve("adapters/qv-r4-f32");
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final int TOKENS = 12;

    /** Longer than a block of the cache, so that it can be found there. */
    private static final List<Integer> PROMPT =
            IntStream.rangeClosed(1, 20).map(i -> 23 * i).boxed().toList();

    private final List<Path> folders = new ArrayList<>();
    private final List<List<Integer>> answers = new ArrayList<>();

    /** Writes {@code count} of them into a folder, as 0, 1, 2 and so on, and notes what each answers alone. */
    AdapterVariants(Path parent, int count) {
        for (int i = 0; i < count; i++) {
            folders.add(write(parent.resolve(String.valueOf(i)), i));
        }
        try (Lorikeet model = Lorikeet.open(MODEL)) {
            for (Path folder : folders) {
                Adapter adapter = model.load(folder.toString(), folder);
                answers.add(tokens(model.generate(request().adapter(adapter))));
            }
            answers.add(tokens(model.generate(request())));
        }
        if (new HashSet<>(answers).size() != count + 1) {
            throw new IllegalStateException("two adapters answer the same");
        }
    }

    private static Path write(Path folder, int seed) {
        try {
            Files.createDirectories(folder);
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
    List<Integer> answer(int variant) {
        return answers.get(variant);
    }

    /** What the base model answers to {@link #request}. */
    List<Integer> baseAnswer() {
        return answers.getLast();
    }
}
