package lorikeet.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import lorikeet.bindings.CudaOutOfMemoryException;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.SamplingSettings;
import lorikeet.memory.ElementType;
import lorikeet.runtime.adapter.AdapterVersion;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;
import lorikeet.runtime.text.ChatMessage;
import lorikeet.runtime.text.Tokenizer;
import lorikeet.runtime.text.TokenizerException;
import org.jspecify.annotations.Nullable;

/**
 * A base model with its LoRA adapters, open for generation.
 *
 * <pre>{@code
 * try (Lorikeet model = Lorikeet.open(Path.of("models/base"))) {
 *     Adapter sql = model.load("sql", Path.of("adapters/sql"));
 *     List<Answer> answers = model.generate(List.of(
 *             Request.text("How many birds are there?").adapter(sql),
 *             Request.text("Once upon a time").maxTokens(32)));
 * }
 * }</pre>
 *
 * <p>Safe for use by several threads. Requests of all threads run together; adapters are loaded, replaced and unloaded
 * beside them. Closing gives back all memory, mapped files and threads, the adapters' too.
 */
public final class Lorikeet implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final Tokenizer tokenizer;
    private final Operations operations;
    private final String device;
    private final Prompts prompts;
    private final RequestChecker checker;
    private final Adapters adapters;
    private final Intake intake;
    private final EngineOnDemand engine;

    private Lorikeet(Checkpoint checkpoint, Tokenizer tokenizer, Devices.Opened device, Options options) {
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.operations = device.operations();
        this.device = device.description();
        this.prompts = new Prompts(checkpoint, tokenizer);
        this.checker =
                new RequestChecker(checkpoint.config(), checkpoint.generation().endTokens(), options);
        ModelWeights weights = checkpoint.weights(operations);
        this.engine = new EngineOnDemand(() -> new ModelEngine(checkpoint, weights, operations, options));
        long poolBytes = options.poolBytes().orElseGet(() -> operations.poolBytes(options.memoryFraction()));
        this.adapters = new Adapters(
                options, poolBytes, folder -> engine.get().adapterSource().load(folder), engine::retire);
        this.intake = new Intake(
                this,
                engine::get,
                prompts,
                checker,
                adapters,
                tokenizer,
                checkpoint.generation().endTokens());
    }

    /** Opens a model with the default options. */
    public static Lorikeet open(Path folder) {
        return open(folder, Options.DEFAULT);
    }

    /**
     * Opens a model. On the CPU the weights are mapped, not read, so that takes the same short time whatever their size;
     * on a GPU they are copied to it.
     *
     * @param folder a checkpoint in the Hugging Face layout
     * @throws LorikeetException NOT_FOUND, INVALID_FILE, INCOMPATIBLE for what is not supported, or NO_ROOM if the GPU
     *     that was asked for has no memory for it
     */
    public static Lorikeet open(Path folder, Options options) {
        try {
            return open(folder, options, config -> Devices.open(options, config));
        } catch (CudaOutOfMemoryException e) {
            if (options.device().equals(DeviceChoice.AUTO)) {
                String reason = "it has no memory for the model: " + e.getMessage();
                return open(folder, options, config -> Devices.cpuBecause(reason, options.threads()));
            }
            throw new LorikeetException(
                    ErrorCode.NO_ROOM, folder + ": the GPU has no memory for the model: " + e.getMessage(), e);
        }
    }

    private static Lorikeet open(Path folder, Options options, Function<ModelConfig, Devices.Opened> devices) {
        try (Opening opening = new Opening()) {
            Checkpoint checkpoint = opening.keep(Checkpoint.open(folder));
            Tokenizer tokenizer = opening.keep(Tokenizer.open(folder));
            Devices.Opened device = devices.apply(checkpoint.config());
            opening.keep(device.operations());
            Lorikeet model = new Lorikeet(checkpoint, tokenizer, device, options);
            opening.done();
            model.restoreAdapters();
            return model;
        } catch (TokenizerException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    private void restoreAdapters() {
        try {
            adapters.restore();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /**
     * Loads an adapter: maps its file and checks it against the model.
     *
     * @param name what it will be called; no two adapters have the same at a time
     * @param folder an adapter as PEFT saves it
     * @throws LorikeetException ALREADY_LOADED, NOT_FOUND, INVALID_FILE, INCOMPATIBLE, or NO_ROOM; nothing is changed then
     */
    public Adapter load(String name, Path folder) {
        return load(name, folder, LoadSettings.DEFAULT);
    }

    /**
     * Loads an adapter. With {@code settings.replace()} it may take the place of another one: requests that are submitted
     * from then on get the new one, those that hold the old one finish on it.
     *
     * <p>Where the most adapters that may be loaded are, the least recently used one that is neither pinned nor held makes
     * room.
     *
     * @throws LorikeetException ALREADY_LOADED if the name is taken, or another load of it is under way; NOT_FOUND,
     *     INVALID_FILE, INCOMPATIBLE, NO_ROOM. Nothing is changed then
     */
    public Adapter load(String name, Path folder, LoadSettings settings) {
        return new Adapter(this, adapters.load(name, folder, settings));
    }

    /** Loads an adapter in the place of the one that has this name, if there is one; it stays pinned if that was. */
    public Adapter replace(String name, Path folder) {
        return new Adapter(this, adapters.replace(name, folder));
    }

    /**
     * Unloads an adapter: no new request gets it, and those that hold it end as {@code how} says. Where a folder offers an
     * adapter with this name, it isn't offered any more until a call loads one under the name.
     *
     * @throws LorikeetException NOT_FOUND if there is none with this name
     */
    public void unload(String name, Unload how) {
        checkMayUnload(how);
        adapters.unload(name, how);
    }

    void unload(Adapter adapter) {
        checkMayUnload(Unload.AND_WAIT);
        adapters.unload(adapter.version(), Unload.AND_WAIT);
    }

    private void checkMayUnload(Unload how) {
        if (how instanceof Unload.Drain drain && drain.await()) {
            engine.checkMayWait();
        }
    }

    /**
     * Pins an adapter, or lets it go again: a pinned one stays when others need room.
     *
     * @throws LorikeetException NOT_FOUND if there is none with this name; NO_ROOM, with "starvation" in the message, if
     *     too little would be left that can make room
     */
    public void pin(String name, boolean pinned) {
        adapters.pin(name, pinned);
    }

    /** The adapter with this name, if it is loaded. */
    public Optional<Adapter> adapter(String name) {
        return adapters.find(name).map(this::asAdapter);
    }

    /** All loaded adapters, in the order in which they were loaded. */
    public List<Adapter> adapters() {
        return adapters.current().stream().map(this::asAdapter).toList();
    }

    /** Those that were unloaded or replaced, and that requests still hold. */
    public List<Adapter> drainingAdapters() {
        return adapters.draining().stream().map(this::asAdapter).toList();
    }

    /** The names that requests may use because the adapter folder has them, loaded or not. */
    public List<String> offeredAdapters() {
        return adapters.offered();
    }

    /** What has become of each adapter, in the order of their names. */
    public List<AdapterStatistics> adapterStatistics() {
        return adapters.statistics();
    }

    private Adapter asAdapter(AdapterVersion version) {
        return new Adapter(this, version);
    }

    /**
     * Starts a request as soon as there is room, beside those that run, and returns at once. If its adapter is on offer and
     * not yet loaded, it returns when that is, and waits for room for it no longer than the request may wait for its start;
     * an interrupt ends the waiting.
     *
     * @param listener is told of each token and of the end, on the engine's thread
     * @throws LorikeetException INVALID_REQUEST, NOT_FOUND for an adapter that is not loaded, NO_ROOM if too many wait or
     *     the prompt is too long for the model or the cache, TIMED_OUT, ABORTED if the model admits nothing any more or the
     *     thread was interrupted
     */
    public Generation submit(Request request, TokenListener listener) {
        return intake.submit(List.of(request), listener, null, true).getFirst();
    }

    /** Runs requests together and waits for all of them. */
    public List<Answer> generate(List<Request> requests) {
        return generate(requests, TokenListener.NONE);
    }

    /** Runs one request. */
    public Answer generate(Request request) {
        return generate(List.of(request)).getFirst();
    }

    /**
     * Runs requests together, each with its own adapter and settings, and waits for all of them. Which requests run
     * together changes how long they take, never what they answer.
     *
     * @param requests started together as far as memory allows; the rest follows as others end. However many they are,
     *     the queue is not too short for them
     * @param listener is told of each token as it is made, on the engine's thread
     * @return the answers, in the order of the requests
     * @throws LorikeetException what the first request that failed ended with; the others are cancelled
     */
    public List<Answer> generate(List<Request> requests, TokenListener listener) {
        engine.checkMayWait();
        RememberingListener remembering = new RememberingListener(listener);
        List<Generation> generations = intake.submit(requests, remembering, null, false);
        try {
            return new JointGeneration(generations).await();
        } catch (LorikeetException e) {
            remembering.rethrow();
            throw e;
        }
    }

    /**
     * The logits of the token that follows each prompt, before any sampling.
     *
     * @param requests their prompts and adapters count
     * @return for each request one number for each token of the vocabulary
     */
    public List<float[]> logits(List<Request> requests) {
        engine.checkMayWait();
        float[][] logits = new float[requests.size()][];
        List<Request> greedy = requests.stream()
                .map(request -> request.maxTokens(1).choices(1).sampling(SamplingSettings.GREEDY))
                .toList();
        LogitsSink sink = (place, values) -> logits[place] = values;
        new JointGeneration(intake.submit(greedy, TokenListener.NONE, sink, false)).await();
        return List.of(logits);
    }

    /**
     * The text that the model's chat template makes of a conversation, up to where the answer begins.
     *
     * @param messages as the template expects them: at least {@code role} and {@code content}
     * @param tools the tools that are offered, or null
     * @throws LorikeetException INCOMPATIBLE if the model has no chat template, INVALID_REQUEST if it refuses
     */
    public String renderChat(List<Map<String, Object>> messages, @Nullable List<Map<String, Object>> tools) {
        return prompts.render(messages.stream().map(ChatMessage::new).toList(), tools);
    }

    /** The tokenizer; closed with the model. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** What config.json says of the model. */
    public ModelConfig config() {
        return checkpoint.config();
    }

    /** The most tokens of a prompt and its continuation together, by the model, the options, and the size of the cache. */
    public int contextTokens() {
        long cached = (long) engine.get().stats().kvBlocks() * KvLayout.BLOCK_TOKENS;
        return (int) Math.min(checker.contextTokens(), cached);
    }

    /** The sampling settings that the model's makers recommend; greedy where they say nothing. */
    public SamplingSettings recommendedSampling() {
        return checkpoint.generation().sampling();
    }

    /** The number of forward passes so far; each serves all requests that run at the time. */
    public long steps() {
        return stats().steps();
    }

    /** What the engine is doing and has done, as of its last step. Costs next to nothing. */
    public Stats stats() {
        return engine.stats().plusWaiting(adapters.waiting());
    }

    /** The type that the device keeps activations in: how exact results are. */
    public ElementType precision() {
        return operations.activationType();
    }

    /** One line that names the device. */
    public String device() {
        return device;
    }

    /** Refuses further requests with ABORTED; those that were submitted go on. */
    public void stopAdmitting() {
        engine.stopAdmitting();
    }

    /** Ends what still runs with ABORTED, then gives everything back. Closing twice does nothing. Not for listeners. */
    @Override
    public void close() {
        if (!engine.beginClosing()) {
            return;
        }
        try (checkpoint;
                tokenizer;
                operations) {
            engine.close();
            adapters.close();
        }
    }
}
