package lorikeet.runtime;

import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.text.ChatMessage;
import org.jspecify.annotations.Nullable;

/**
 * One request: a prompt, the adapter it is for, and how to continue it. Immutable; each method returns a changed copy.
 *
 * <pre>{@code
 * Request.text("How many birds are there?").adapter(sql).maxTokens(64).stop(";")
 * }</pre>
 */
public final class Request {
    private static final int DEFAULT_MAX_TOKENS = 256;

    private final Prompt prompt;
    private final @Nullable Adapter adapter;
    private final int maxTokens;
    private final int choices;
    private final SamplingSettings sampling;
    private final OptionalLong seed;
    private final List<String> stop;
    private final Set<Integer> stopTokens;
    private final boolean keepStop;
    private final boolean ignoreEnd;

    private Request(
            Prompt prompt,
            @Nullable Adapter adapter,
            int maxTokens,
            int choices,
            SamplingSettings sampling,
            OptionalLong seed,
            List<String> stop,
            Set<Integer> stopTokens,
            boolean keepStop,
            boolean ignoreEnd) {
        this.prompt = Objects.requireNonNull(prompt);
        this.adapter = adapter;
        this.maxTokens = maxTokens;
        this.choices = choices;
        this.sampling = Objects.requireNonNull(sampling);
        this.seed = seed;
        this.stop = List.copyOf(stop);
        this.stopTokens = Set.copyOf(stopTokens);
        this.keepStop = keepStop;
        this.ignoreEnd = ignoreEnd;
        if (maxTokens < 1) {
            throw invalid("maxTokens is " + maxTokens + ", it must be at least 1");
        }
        if (choices < 1) {
            throw invalid("the number of choices is " + choices + ", it must be at least 1");
        }
        if (this.stop.contains("")) {
            throw invalid("an empty stop string");
        }
    }

    private static LorikeetException invalid(String problem) {
        return new LorikeetException(ErrorCode.INVALID_REQUEST, problem);
    }

    /** A greedy request to the base model for up to 256 tokens. */
    public static Request of(Prompt prompt) {
        return new Request(
                prompt,
                null,
                DEFAULT_MAX_TOKENS,
                1,
                SamplingSettings.GREEDY,
                OptionalLong.empty(),
                List.of(),
                Set.of(),
                false,
                false);
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

    /** Uses this adapter; null for the base model. */
    public Request adapter(@Nullable Adapter value) {
        return new Request(prompt, value, maxTokens, choices, sampling, seed, stop, stopTokens, keepStop, ignoreEnd);
    }

    /** Ends after this many tokens. */
    public Request maxTokens(int value) {
        return new Request(prompt, adapter, value, choices, sampling, seed, stop, stopTokens, keepStop, ignoreEnd);
    }

    /** Gives this many independent continuations. */
    public Request choices(int value) {
        return new Request(prompt, adapter, maxTokens, value, sampling, seed, stop, stopTokens, keepStop, ignoreEnd);
    }

    /** Chooses tokens like this; the settings' seed is used only if {@link #seed} is not. */
    public Request sampling(SamplingSettings value) {
        return new Request(prompt, adapter, maxTokens, choices, value, seed, stop, stopTokens, keepStop, ignoreEnd);
    }

    /**
     * Makes the draws repeatable: the same request gives the same tokens again, whatever runs beside it. Without a seed
     * each request draws anew.
     */
    public Request seed(long value) {
        return new Request(
                prompt,
                adapter,
                maxTokens,
                choices,
                sampling,
                OptionalLong.of(value),
                stop,
                stopTokens,
                keepStop,
                ignoreEnd);
    }

    /** Ends where one of these strings appears; the text ends before it. */
    public Request stop(String... values) {
        return new Request(
                prompt, adapter, maxTokens, choices, sampling, seed, List.of(values), stopTokens, keepStop, ignoreEnd);
    }

    /** Ends at one of these tokens, beside the model's own end tokens. */
    public Request stopTokens(Set<Integer> values) {
        return new Request(prompt, adapter, maxTokens, choices, sampling, seed, stop, values, keepStop, ignoreEnd);
    }

    /** Leaves the stop string that was found in the text. */
    public Request keepStop(boolean value) {
        return new Request(prompt, adapter, maxTokens, choices, sampling, seed, stop, stopTokens, value, ignoreEnd);
    }

    /** Goes on past the model's end tokens. */
    public Request ignoreEnd(boolean value) {
        return new Request(prompt, adapter, maxTokens, choices, sampling, seed, stop, stopTokens, keepStop, value);
    }

    /** What is continued. */
    public Prompt prompt() {
        return prompt;
    }

    /** The adapter, null for the base model. */
    public @Nullable Adapter adapter() {
        return adapter;
    }

    /** The most tokens of a choice. */
    public int maxTokens() {
        return maxTokens;
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

    /** Whether a stop string stays in the text. */
    public boolean keepStop() {
        return keepStop;
    }

    /** Whether the model's end tokens are passed over. */
    public boolean ignoreEnd() {
        return ignoreEnd;
    }
}
