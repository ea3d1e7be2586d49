package lorikeet.runtime;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.text.ChatMessage;
import org.jspecify.annotations.Nullable;

/**
 * One request: a prompt, the adapter it is for, and how to continue it. Immutable; each method with an argument returns a
 * changed copy.
 *
 * <pre>{@code
 * Request.text("How many birds are there?").adapter("sql").maxTokens(64).stop(";")
 * }</pre>
 */
public final class Request {
    private static final int DEFAULT_MAX_TOKENS = 256;

    private final Prompt prompt;
    private @Nullable String adapterName;
    private @Nullable Adapter adapter;
    private int maxTokens = DEFAULT_MAX_TOKENS;
    private int minTokens;
    private int choices = 1;
    private SamplingSettings sampling = SamplingSettings.GREEDY;
    private OptionalLong seed = OptionalLong.empty();
    private List<String> stop = List.of();
    private Set<Integer> stopTokens = Set.of();
    private boolean keepStop;
    private boolean keepSpecial;
    private boolean ignoreEnd;
    private Optional<Duration> timeLimit = Optional.empty();
    private Optional<Duration> queueLimit = Optional.empty();
    private Optional<PromptScores> promptScores = Optional.empty();

    /**
     * Which tokens of the prompt are to be scored.
     *
     * @param from the first one; the prompt's very first token has no probability
     * @param alternatives the number of most likely tokens to report beside each
     */
    public record PromptScores(int from, int alternatives) {
        public PromptScores {
            if (from < 0 || alternatives < 0) {
                throw invalid("prompt scores from token " + from + " with " + alternatives + " alternatives");
            }
        }
    }

    private Request(Prompt prompt) {
        this.prompt = Objects.requireNonNull(prompt);
    }

    private Request(Request other) {
        prompt = other.prompt;
        adapterName = other.adapterName;
        adapter = other.adapter;
        maxTokens = other.maxTokens;
        minTokens = other.minTokens;
        choices = other.choices;
        sampling = other.sampling;
        seed = other.seed;
        stop = other.stop;
        stopTokens = other.stopTokens;
        keepStop = other.keepStop;
        keepSpecial = other.keepSpecial;
        ignoreEnd = other.ignoreEnd;
        timeLimit = other.timeLimit;
        queueLimit = other.queueLimit;
        promptScores = other.promptScores;
    }

    private static LorikeetException invalid(String problem) {
        return new LorikeetException(ErrorCode.INVALID_REQUEST, problem);
    }

    private static Duration positive(String name, Duration value) {
        if (!value.isPositive()) {
            throw invalid(name + " is " + value + ", it must be more than nothing");
        }
        return value;
    }

    /** A greedy request to the base model for up to 256 tokens. */
    public static Request of(Prompt prompt) {
        return new Request(prompt);
    }

    /** A request that continues a text. */
    public static Request text(String text) {
        return of(new Prompt.Text(text));
    }

    /** A request that continues token ids. */
    public static Request tokens(List<Integer> ids) {
        return of(new Prompt.Tokens(ids));
    }

    /** A request that answers a conversation. */
    public static Request chat(ChatMessage... messages) {
        return of(new Prompt.Chat(List.of(messages)));
    }

    /** Uses just this load of an adapter, and is refused once it was replaced or unloaded; null for the base model. */
    public Request adapter(@Nullable Adapter value) {
        Request copy = new Request(this);
        copy.adapter = value;
        copy.adapterName = value == null ? null : value.name();
        return copy;
    }

    /** Uses the adapter that has this name when the request is submitted. */
    public Request adapter(String name) {
        Request copy = new Request(this);
        copy.adapter = null;
        copy.adapterName = Objects.requireNonNull(name);
        return copy;
    }

    /** Ends after this many tokens. */
    public Request maxTokens(int value) {
        if (value < 1) {
            throw invalid("maxTokens is " + value + ", it must be at least 1");
        }
        Request copy = new Request(this);
        copy.maxTokens = value;
        return copy;
    }

    /** Chooses neither the model's end tokens nor {@link #stopTokens} before there are so many; a stop string still ends it. */
    public Request minTokens(int value) {
        if (value < 0) {
            throw invalid("minTokens is " + value + ", it must not be negative");
        }
        Request copy = new Request(this);
        copy.minTokens = value;
        return copy;
    }

    /** Gives this many independent continuations. */
    public Request choices(int value) {
        if (value < 1) {
            throw invalid("the number of choices is " + value + ", it must be at least 1");
        }
        Request copy = new Request(this);
        copy.choices = value;
        return copy;
    }

    /** Chooses tokens like this; the settings' seed is used only if {@link #seed} is not. */
    public Request sampling(SamplingSettings value) {
        Request copy = new Request(this);
        copy.sampling = Objects.requireNonNull(value);
        return copy;
    }

    /**
     * Makes the draws repeatable: the same request gives the same tokens again, whatever runs beside it. Without a seed
     * each request draws anew.
     */
    public Request seed(long value) {
        Request copy = new Request(this);
        copy.seed = OptionalLong.of(value);
        return copy;
    }

    /** Ends where one of these strings appears; the text ends before it. */
    public Request stop(String... values) {
        Request copy = new Request(this);
        copy.stop = List.of(values);
        if (copy.stop.contains("")) {
            throw invalid("an empty stop string");
        }
        return copy;
    }

    /** Ends at one of these tokens, beside the model's own end tokens. */
    public Request stopTokens(Set<Integer> values) {
        Request copy = new Request(this);
        copy.stopTokens = Set.copyOf(values);
        return copy;
    }

    /** Leaves the stop string that was found, or the token that ended it, in the text. */
    public Request keepStop(boolean value) {
        Request copy = new Request(this);
        copy.keepStop = value;
        return copy;
    }

    /** Leaves the names of special tokens in the text. */
    public Request keepSpecial(boolean value) {
        Request copy = new Request(this);
        copy.keepSpecial = value;
        return copy;
    }

    /** Goes on past the model's end tokens. */
    public Request ignoreEnd(boolean value) {
        Request copy = new Request(this);
        copy.ignoreEnd = value;
        return copy;
    }

    /** Fails with TIMED_OUT if it isn't done after this time, counted from when it is submitted. */
    public Request timeLimit(Duration value) {
        Request copy = new Request(this);
        copy.timeLimit = Optional.of(positive("timeLimit", value));
        return copy;
    }

    /** Fails with TIMED_OUT if it isn't started after this time. */
    public Request queueLimit(Duration value) {
        Request copy = new Request(this);
        copy.queueLimit = Optional.of(positive("queueLimit", value));
        return copy;
    }

    /**
     * Also gives the log-probabilities of the prompt's tokens, as {@link Answer#promptScores}.
     *
     * @param from the first token to score; the prompt's very first one has no probability, so 0 means the same as 1
     * @param alternatives number of most likely tokens to report beside each
     */
    public Request promptLogProbs(int from, int alternatives) {
        Request copy = new Request(this);
        copy.promptScores = Optional.of(new PromptScores(from, alternatives));
        return copy;
    }

    /** What is continued. */
    public Prompt prompt() {
        return prompt;
    }

    /** The load of an adapter that was asked for, null if it was named or the request is for the base model. */
    public @Nullable Adapter adapter() {
        return adapter;
    }

    /** The adapter's name, null for the base model. */
    public @Nullable String adapterName() {
        return adapterName;
    }

    /** The most tokens of a choice. */
    public int maxTokens() {
        return maxTokens;
    }

    /** So many tokens come before one of the model's or the request's ends a choice. */
    public int minTokens() {
        return minTokens;
    }

    /** The number of continuations. */
    public int choices() {
        return choices;
    }

    /** How tokens are chosen. */
    public SamplingSettings sampling() {
        return sampling;
    }

    /** The seed of the draws, if one was given. */
    public OptionalLong seed() {
        return seed;
    }

    /** The strings that end a text. */
    public List<String> stop() {
        return stop;
    }

    /** The tokens that end a text, beside the model's own. */
    public Set<Integer> stopTokens() {
        return stopTokens;
    }

    /** Whether a stop string, or the token at the end, stays in the text. */
    public boolean keepStop() {
        return keepStop;
    }

    /** Whether special tokens stay in the text. */
    public boolean keepSpecial() {
        return keepSpecial;
    }

    /** Whether the model's end tokens are passed over. */
    public boolean ignoreEnd() {
        return ignoreEnd;
    }

    /** How long it may take altogether. */
    public Optional<Duration> timeLimit() {
        return timeLimit;
    }

    /** How long it may wait to be started. */
    public Optional<Duration> queueLimit() {
        return queueLimit;
    }

    /** Which of the prompt's tokens are scored. */
    public Optional<PromptScores> promptScores() {
        return promptScores;
    }
}
