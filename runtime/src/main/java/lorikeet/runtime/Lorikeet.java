package lorikeet.runtime;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import lorikeet.kernels.Operations;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.InvalidFileException;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.LoadedAdapter;
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
 * <p>Safe for use by several threads. One generation runs at a time; others wait for it, and so do unloading and closing.
 * Adapters load beside it. Closing gives back all memory, mapped files and threads, the adapters' too.
 */
public final class Lorikeet implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final Tokenizer tokenizer;
    private final Operations operations;
    private final ModelWeights weights;
    private final Generator generator;

    /** Held by whoever uses the device or takes away what it uses. */
    private final ReentrantLock device = new ReentrantLock();

    /** Guards the fields below; never held for long. */
    private final Object adaptersLock = new Object();

    private final Map<String, Adapter> adapters = new LinkedHashMap<>();
    private long nextId = 1;
    private boolean closed;

    private Lorikeet(Checkpoint checkpoint, Tokenizer tokenizer, Operations operations, Options options) {
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.operations = operations;
        this.weights = checkpoint.weights(operations);
        this.generator = new Generator(checkpoint, weights, tokenizer, operations, options);
    }

    /** Opens a model with the default options. */
    public static Lorikeet open(Path folder) {
        return open(folder, Options.DEFAULT);
    }

    /**
     * Opens a model. The weights are mapped, not read, so this takes the same short time whatever their size.
     *
     * @param folder a checkpoint in the Hugging Face layout
     * @throws LorikeetException NOT_FOUND, INVALID_FILE, or INCOMPATIBLE for what is not supported
     */
    public static Lorikeet open(Path folder, Options options) {
        try (Opening opening = new Opening()) {
            Checkpoint checkpoint = opening.keep(Checkpoint.open(folder));
            Tokenizer tokenizer = opening.keep(Tokenizer.open(folder));
            Operations operations = opening.keep(new CpuOperations(options.threads()));
            Lorikeet model = new Lorikeet(checkpoint, tokenizer, operations, options);
            opening.done();
            return model;
        } catch (TokenizerException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    /**
     * Loads an adapter: maps its file and checks it against the model.
     *
     * @param name what it will be called; no two adapters have the same at a time
     * @param folder an adapter as PEFT saves it
     * @throws LorikeetException ALREADY_LOADED, NOT_FOUND, INVALID_FILE, or INCOMPATIBLE; nothing is changed then
     */
    public Adapter load(String name, Path folder) {
        synchronized (adaptersLock) {
            checkFree(name);
        }
        LoadedAdapter loaded = loadIntact(folder);
        synchronized (adaptersLock) {
            try {
                checkFree(name);
            } catch (LorikeetException e) {
                loaded.close();
                throw e;
            }
            Adapter adapter = new Adapter(this, name, folder, nextId++, loaded);
            adapters.put(name, adapter);
            return adapter;
        }
    }

    /** A fault in the base model's pages, which some adapters are compared with, is an error that names its file. */
    private LoadedAdapter loadIntact(Path folder) {
        try {
            return AdapterLoader.load(folder, weights, operations);
        } catch (InternalError e) {
            try {
                checkpoint.files().checkIntact();
            } catch (InvalidFileException cut) {
                throw new LorikeetException(ErrorCode.INVALID_FILE, cut.getMessage(), e);
            }
            throw e;
        }
    }

    private void checkFree(String name) {
        checkOpen();
        if (adapters.containsKey(name)) {
            throw new LorikeetException(ErrorCode.ALREADY_LOADED, "the adapter " + name + " is already loaded");
        }
    }

    void unload(Adapter adapter) {
        synchronized (adaptersLock) {
            adapters.remove(adapter.name(), adapter);
        }
        device.lock();
        try {
            adapter.loaded().close();
        } finally {
            device.unlock();
        }
    }

    /** The adapter with this name, if it is loaded. */
    public Optional<Adapter> adapter(String name) {
        synchronized (adaptersLock) {
            return Optional.ofNullable(adapters.get(name));
        }
    }

    /** All loaded adapters, in the order in which they were loaded. */
    public List<Adapter> adapters() {
        synchronized (adaptersLock) {
            return List.copyOf(adapters.values());
        }
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
     * @param requests answered in one batch as far as memory allows; the rest follows as others end
     * @param listener is told of each token as it is made, on this thread
     * @return the answers, in the order of the requests
     * @throws LorikeetException INVALID_REQUEST, NOT_FOUND for an adapter that was closed, NO_ROOM, or INVALID_FILE if a
     *     mapped file was cut short meanwhile
     */
    public List<Answer> generate(List<Request> requests, TokenListener listener) {
        device.lock();
        try {
            for (Request request : requests) {
                check(request);
            }
            return generator.generate(requests, listener);
        } finally {
            device.unlock();
        }
    }

    /**
     * The logits of the token that follows each prompt, before any sampling.
     *
     * @param requests their prompts and adapters count
     * @return for each request one number for each token of the vocabulary
     */
    public List<float[]> logits(List<Request> requests) {
        device.lock();
        try {
            for (Request request : requests) {
                check(request);
            }
            return generator.logits(requests);
        } finally {
            device.unlock();
        }
    }

    /**
     * The text that the model's chat template makes of a conversation, up to where the answer begins.
     *
     * @param messages as the template expects them: at least {@code role} and {@code content}
     * @param tools the tools that are offered, or null
     * @throws LorikeetException INCOMPATIBLE if the model has no chat template, INVALID_REQUEST if it refuses
     */
    public String renderChat(List<Map<String, Object>> messages, @Nullable List<Map<String, Object>> tools) {
        return generator.render(messages.stream().map(ChatMessage::new).toList(), tools);
    }

    private void check(Request request) {
        Adapter adapter = request.adapter();
        synchronized (adaptersLock) {
            checkOpen();
            if (adapter == null) {
                return;
            }
            if (adapter.owner() != this) {
                throw new LorikeetException(
                        ErrorCode.INVALID_REQUEST, "the adapter " + adapter.name() + " belongs to another model");
            }
            if (adapters.get(adapter.name()) != adapter) {
                throw new LorikeetException(
                        ErrorCode.NOT_FOUND, "the adapter " + adapter.name() + " is not loaded any more");
            }
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new LorikeetException(ErrorCode.ABORTED, "the model is closed");
        }
    }

    /** The tokenizer; closed with the model. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** What config.json says of the model. */
    public ModelConfig config() {
        return checkpoint.config();
    }

    /** The sampling settings that the model's makers recommend; greedy where they say nothing. */
    public SamplingSettings recommendedSampling() {
        return checkpoint.generation().sampling();
    }

    /** The number of forward passes so far; each serves all requests that run at the time. */
    public long steps() {
        device.lock();
        try {
            return generator.steps();
        } finally {
            device.unlock();
        }
    }

    /** One line that names the device. */
    public String device() {
        return operations.describe();
    }

    /** Waits for a running generation, then gives everything back. Closing twice does nothing. */
    @Override
    public void close() {
        List<Adapter> loaded;
        synchronized (adaptersLock) {
            if (closed) {
                return;
            }
            closed = true;
            loaded = new ArrayList<>(adapters.values());
            adapters.clear();
        }
        device.lock();
        try (checkpoint;
                tokenizer;
                operations;
                generator) {
            for (Adapter adapter : loaded) {
                adapter.loaded().close();
            }
        } finally {
            device.unlock();
        }
    }
}
