package lorikeet.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * How a model is run. Immutable; each method with an argument returns a changed copy.
 *
 * <p>By default it uses the first GPU with nine tenths of its memory, or else all processors and a quarter of the memory
 * that the JVM may use; computes steps of up to 512 tokens for up to 64 texts at a time, lets 1024 requests wait, and
 * sets no time limits.
 */
public final class Options {
    /** The defaults. */
    public static final Options DEFAULT = new Options();

    private int threads = Runtime.getRuntime().availableProcessors();
    private DeviceChoice device = DeviceChoice.AUTO;
    private boolean batchInvariant;
    private OptionalLong poolBytes = OptionalLong.empty();
    private OptionalDouble memoryFraction = OptionalDouble.empty();
    private int cacheTokens = Integer.MAX_VALUE;
    private int contextTokens;
    private int stepTokens = 512;
    private int running = 64;
    private int queueLength = 1024;
    private int batchAdapters = 64;
    private int loadedAdapters = Integer.MAX_VALUE;
    private int highestRank = Integer.MAX_VALUE;
    private boolean prefixCache = true;
    private Optional<Duration> queueLimit = Optional.empty();
    private Optional<Duration> timeLimit = Optional.empty();
    private Optional<Path> adapterFolder = Optional.empty();
    private Optional<Path> stateFile = Optional.empty();

    private Options() {}

    private Options(Options other) {
        threads = other.threads;
        device = other.device;
        batchInvariant = other.batchInvariant;
        poolBytes = other.poolBytes;
        memoryFraction = other.memoryFraction;
        cacheTokens = other.cacheTokens;
        contextTokens = other.contextTokens;
        stepTokens = other.stepTokens;
        running = other.running;
        queueLength = other.queueLength;
        batchAdapters = other.batchAdapters;
        loadedAdapters = other.loadedAdapters;
        highestRank = other.highestRank;
        prefixCache = other.prefixCache;
        queueLimit = other.queueLimit;
        timeLimit = other.timeLimit;
        adapterFolder = other.adapterFolder;
        stateFile = other.stateFile;
    }

    private static int atLeast(int least, String name, int value) {
        if (value < least) {
            throw invalid(name + " is " + value + ", it must be at least " + least);
        }
        return value;
    }

    private static Duration positive(String name, Duration value) {
        if (!value.isPositive()) {
            throw invalid(name + " is " + value + ", it must be more than nothing");
        }
        return value;
    }

    private static LorikeetException invalid(String problem) {
        return new LorikeetException(ErrorCode.INVALID_REQUEST, problem);
    }

    /** Computes there. */
    public Options device(DeviceChoice value) {
        Options copy = new Options(this);
        copy.device = value;
        return copy;
    }

    /**
     * Whether a request's numbers have the same bits whatever runs beside it, and however its text is cut into steps. They
     * do on the CPU anyway; a GPU is slower then, above all with prompts.
     */
    public Options batchInvariant(boolean value) {
        Options copy = new Options(this);
        copy.batchInvariant = value;
        return copy;
    }

    /** Computes with this many threads. */
    public Options threads(int value) {
        Options copy = new Options(this);
        copy.threads = atLeast(1, "threads", value);
        return copy;
    }

    /** Keeps at most this many bytes of keys and values and of adapters' weights; reserved as they are needed. */
    public Options poolBytes(long value) {
        if (value < 1) {
            throw invalid("poolBytes is " + value + ", it must be at least 1");
        }
        Options copy = new Options(this);
        copy.poolBytes = OptionalLong.of(value);
        return copy;
    }

    /** Like {@link #poolBytes}, as a fraction of the memory that the JVM may use, or that the GPU has free. */
    public Options memoryFraction(double value) {
        if (!(value > 0 && value <= 1)) {
            throw invalid("memoryFraction is " + value + ", it must be more than 0 and at most 1");
        }
        Options copy = new Options(this);
        copy.memoryFraction = OptionalDouble.of(value);
        copy.poolBytes = OptionalLong.empty();
        return copy;
    }

    /** Keeps the keys and values of at most this many tokens, in whole blocks of 16, however much memory there is. */
    public Options cacheTokens(int value) {
        Options copy = new Options(this);
        copy.cacheTokens = atLeast(1, "cacheTokens", value);
        return copy;
    }

    /** Makes texts of at most this many tokens, the prompt included; 0 for as many as the model was made for. */
    public Options contextTokens(int value) {
        Options copy = new Options(this);
        copy.contextTokens = atLeast(0, "contextTokens", value);
        return copy;
    }

    /** Computes at most this many tokens in a step, or one for each text that is being made if those are more. */
    public Options stepTokens(int value) {
        Options copy = new Options(this);
        copy.stepTokens = atLeast(1, "stepTokens", value);
        return copy;
    }

    /** Makes at most this many texts at the same time. */
    public Options running(int value) {
        Options copy = new Options(this);
        copy.running = atLeast(1, "running", value);
        return copy;
    }

    /** Lets at most this many submitted requests wait to be started; further ones are refused. */
    public Options queueLength(int value) {
        Options copy = new Options(this);
        copy.queueLength = atLeast(0, "queueLength", value);
        return copy;
    }

    /** Puts at most this many adapters into one step, beside the base model. */
    public Options batchAdapters(int value) {
        Options copy = new Options(this);
        copy.batchAdapters = atLeast(1, "batchAdapters", value);
        return copy;
    }

    /** Keeps at most this many adapters loaded: those used least recently make room, unless they are pinned or in use. */
    public Options loadedAdapters(int value) {
        Options copy = new Options(this);
        copy.loadedAdapters = atLeast(1, "loadedAdapters", value);
        return copy;
    }

    /** Refuses adapters of a higher rank. */
    public Options highestRank(int value) {
        Options copy = new Options(this);
        copy.highestRank = atLeast(1, "highestRank", value);
        return copy;
    }

    /** Whether keys and values of ended requests are kept for others that begin with the same tokens. */
    public Options prefixCache(boolean value) {
        Options copy = new Options(this);
        copy.prefixCache = value;
        return copy;
    }

    /** Ends requests that weren't started after this time, unless they say otherwise. */
    public Options queueLimit(Duration value) {
        Options copy = new Options(this);
        copy.queueLimit = Optional.of(positive("queueLimit", value));
        return copy;
    }

    /** Ends requests that aren't done after this time, unless they say otherwise. */
    public Options timeLimit(Duration value) {
        Options copy = new Options(this);
        copy.timeLimit = Optional.of(positive("timeLimit", value));
        return copy;
    }

    /** Offers each adapter in this folder by its folder's name; it is loaded when it is first asked for. */
    public Options adapterFolder(Path value) {
        Options copy = new Options(this);
        copy.adapterFolder = Optional.of(value);
        return copy;
    }

    /** Remembers in this file which adapters are loaded, and loads them again when the model is opened. */
    public Options stateFile(Path value) {
        Options copy = new Options(this);
        copy.stateFile = Optional.of(value);
        return copy;
    }

    /** Threads that compute on the CPU, the engine's own included. */
    public int threads() {
        return threads;
    }

    /** Where to compute. */
    public DeviceChoice device() {
        return device;
    }

    /** Whether numbers don't depend on what runs beside them, on a GPU too. */
    public boolean batchInvariant() {
        return batchInvariant;
    }

    /** The most bytes of keys and values and of adapters' weights, if they were given as a number. */
    public OptionalLong poolBytes() {
        return poolBytes;
    }

    /** The same as a fraction of the device's memory, if it was given so. */
    public OptionalDouble memoryFraction() {
        return memoryFraction;
    }

    /** The most tokens whose keys and values are kept. */
    public int cacheTokens() {
        return cacheTokens;
    }

    /** The most tokens of a text, 0 for what the model was made for. */
    public int contextTokens() {
        return contextTokens;
    }

    /** The most tokens in a step. */
    public int stepTokens() {
        return stepTokens;
    }

    /** The most texts that are made at the same time. */
    public int running() {
        return running;
    }

    /** The most requests that wait. */
    public int queueLength() {
        return queueLength;
    }

    /** The most adapters in one step. */
    public int batchAdapters() {
        return batchAdapters;
    }

    /** The most adapters that are loaded at a time. */
    public int loadedAdapters() {
        return loadedAdapters;
    }

    /** The highest rank of an adapter. */
    public int highestRank() {
        return highestRank;
    }

    /** Whether prefixes are kept. */
    public boolean prefixCache() {
        return prefixCache;
    }

    /** How long requests may wait to be started. */
    public Optional<Duration> queueLimit() {
        return queueLimit;
    }

    /** How long requests may take altogether. */
    public Optional<Duration> timeLimit() {
        return timeLimit;
    }

    /** The folder whose adapters are offered. */
    public Optional<Path> adapterFolder() {
        return adapterFolder;
    }

    /** The file that remembers the loaded adapters. */
    public Optional<Path> stateFile() {
        return stateFile;
    }
}
