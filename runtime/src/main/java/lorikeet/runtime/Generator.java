package lorikeet.runtime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.SamplingSettings;
import lorikeet.memory.InvalidFileException;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.engine.Engine;
import lorikeet.runtime.engine.KvBlocks;
import lorikeet.runtime.engine.Sequence;
import lorikeet.runtime.engine.SequenceListener;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ForwardPass;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;
import lorikeet.runtime.text.ChatMessage;
import lorikeet.runtime.text.ChatOptions;
import lorikeet.runtime.text.ChatTemplate;
import lorikeet.runtime.text.ChatTemplateException;
import lorikeet.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Turns requests into sequences, lets the engine run them, and turns their tokens into text. Used by one thread at a
 * time. Memory for activations and the cache is reserved at the first use.
 */
final class Generator implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final ModelWeights weights;
    private final Tokenizer tokenizer;
    private final Operations operations;
    private final Options options;
    private final SplittableRandom seeds = new SplittableRandom();
    private final Optional<ChatTemplate> chatTemplate;
    private @Nullable Engine engine;
    private @Nullable SlabPool pool;

    Generator(
            Checkpoint checkpoint, ModelWeights weights, Tokenizer tokenizer, Operations operations, Options options) {
        this.checkpoint = checkpoint;
        this.weights = weights;
        this.tokenizer = tokenizer;
        this.operations = operations;
        this.options = options;
        this.chatTemplate = chatTemplate(checkpoint);
    }

    private static Optional<ChatTemplate> chatTemplate(Checkpoint checkpoint) {
        try {
            return ChatTemplate.find(checkpoint.folder());
        } catch (ChatTemplateException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    /** The engine, made at the first use. */
    Engine engine() {
        Engine made = engine;
        if (made == null) {
            ModelConfig config = checkpoint.config();
            KvLayout layout = new KvLayout(config.layers(), config.kvHeads(), config.headSize(), operations.kvType());
            long slabBytes = KvBlocks.slabBytes(layout);
            int capacity = Math.clamp(options.cacheBytes() / slabBytes, 1, Integer.MAX_VALUE);
            pool = operations.slabPool(slabBytes, capacity);
            ForwardPass pass = new ForwardPass(
                    config, weights, operations, Math.max(options.stepTokens(), options.running()), options.running());
            made = new Engine(operations, pass, new KvBlocks(layout, pool), config.rope());
            engine = made;
        }
        return made;
    }

    long steps() {
        return engine == null ? 0 : engine.steps();
    }

    List<Answer> generate(List<Request> requests, TokenListener listener) {
        Engine running = engine();
        Runnable checkFiles = () -> checkIntact(requests);
        try {
            List<List<ChoiceInTheMaking>> choices = new ArrayList<>();
            List<List<Integer>> prompts = new ArrayList<>();
            for (int i = 0; i < requests.size(); i++) {
                int[] prompt = promptTokens(requests.get(i).prompt());
                prompts.add(Arrays.stream(prompt).boxed().toList());
                choices.add(submit(running, requests.get(i), i, prompt, listener));
            }
            while (!running.isIdle()) {
                running.step(checkFiles);
            }
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < requests.size(); i++) {
                answers.add(new Answer(
                        prompts.get(i),
                        choices.get(i).stream().map(ChoiceInTheMaking::choice).toList()));
            }
            return answers;
        } catch (RuntimeException | Error e) {
            afterFailure(running, requests, e);
            throw e;
        }
    }

    List<float[]> logits(List<Request> requests) {
        Engine running = engine();
        Runnable checkFiles = () -> checkIntact(requests);
        float[][] logits = new float[requests.size()][];
        Map<Sequence, Integer> indexes = new HashMap<>();
        running.observe(step -> {
            for (int row = 0; row < step.sequences().size(); row++) {
                float[] values = new float[checkpoint.config().vocabulary()];
                operations.read(step.logits(), row, values);
                int index = Objects.requireNonNull(indexes.get(step.sequences().get(row)));
                logits[index] = values;
            }
        });
        try {
            for (int i = 0; i < requests.size(); i++) {
                Adapter adapter = requests.get(i).adapter();
                Sequence sequence = sequence(
                        promptTokens(requests.get(i).prompt()), 1, adapter, SamplingSettings.GREEDY, token -> false);
                indexes.put(sequence, i);
                running.submit(sequence);
            }
            while (!running.isIdle()) {
                running.step(checkFiles);
            }
            return List.of(logits);
        } catch (RuntimeException | Error e) {
            afterFailure(running, requests, e);
            throw e;
        } finally {
            running.observe(null);
        }
    }

    private Sequence sequence(
            int[] prompt,
            int maxTokens,
            @Nullable Adapter adapter,
            SamplingSettings sampling,
            SequenceListener listener) {
        return new Sequence(
                prompt,
                maxTokens,
                adapter == null ? null : adapter.loaded().weights(),
                adapter == null ? 0 : adapter.id(),
                operations.sampler().newState(sampling),
                listener);
    }

    /** Cleans up after a step that failed, and finds the reason where a mapped file was cut short. */
    private void afterFailure(Engine running, List<Request> requests, Throwable failure) {
        running.abandon();
        if (failure instanceof InternalError) {
            checkIntact(requests);
        }
    }

    private List<ChoiceInTheMaking> submit(
            Engine running, Request request, int index, int[] prompt, TokenListener listener) {
        List<ChoiceInTheMaking> choices = new ArrayList<>();
        Adapter adapter = request.adapter();
        long seed = request.seed().orElseGet(() -> seed(request.sampling()));
        for (int i = 0; i < request.choices(); i++) {
            ChoiceInTheMaking choice = new ChoiceInTheMaking(
                    request, index, i, tokenizer, checkpoint.generation().endTokens(), listener);
            choices.add(choice);
            SamplingSettings sampling = request.sampling().withSeed(seed + i);
            running.submit(sequence(prompt, request.maxTokens(), adapter, sampling, choice));
        }
        return choices;
    }

    /** The seed in the settings counts unless it is the default. */
    private long seed(SamplingSettings sampling) {
        return sampling.seed() != 0 ? sampling.seed() : seeds.nextLong();
    }

    int[] promptTokens(Prompt prompt) {
        int[] tokens = switch (prompt) {
            case Prompt.Text text -> tokenizer.encode(text.text(), true);
            case Prompt.Tokens given ->
                given.ids().stream().mapToInt(Integer::intValue).toArray();
            case Prompt.Chat chat -> tokenizer.encode(render(chat.messages(), null), false);
        };
        if (tokens.length == 0) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, "the prompt is empty");
        }
        int vocabulary = checkpoint.config().vocabulary();
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new LorikeetException(
                        ErrorCode.INVALID_REQUEST,
                        "the prompt has the token " + token + ", the model has " + vocabulary + " tokens");
            }
        }
        return tokens;
    }

    /** The text that the chat template makes of a conversation, ready for the answer. */
    String render(List<ChatMessage> messages, @Nullable List<Map<String, Object>> tools) {
        ChatTemplate template = chatTemplate.orElseThrow(() -> new LorikeetException(
                ErrorCode.INCOMPATIBLE, checkpoint.folder() + ": the model has no chat template"));
        ChatOptions options = ChatOptions.of(true);
        try {
            return template.render(messages, tools == null ? options : options.withTools(tools));
        } catch (ChatTemplateException e) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, e.getMessage(), e);
        }
    }

    private void checkIntact(List<Request> requests) {
        try {
            checkpoint.files().checkIntact();
            for (Request request : requests) {
                Adapter adapter = request.adapter();
                if (adapter != null) {
                    adapter.loaded().files().checkIntact();
                }
            }
        } catch (InvalidFileException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        if (pool != null) {
            pool.close();
        }
    }
}
