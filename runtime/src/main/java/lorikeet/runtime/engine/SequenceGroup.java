package lorikeet.runtime.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.Sampler;
import lorikeet.runtime.adapter.AdapterLease;
import org.jspecify.annotations.Nullable;

/**
 * One request in the engine: a prompt and the sequences that continue it. Made by any thread; once submitted, it belongs
 * to the engine's thread. What it took can be read from the listener's last call on.
 */
public final class SequenceGroup {
    /** The time of something that hasn't happened yet. */
    static final long NEVER = Long.MIN_VALUE;

    private final int[] prompt;
    private final GroupSettings settings;
    private final @Nullable AdapterLease lease;
    private final GroupListener listener;
    private final List<Sequence> sequences = new ArrayList<>();
    private final List<SampledToken> scores = new ArrayList<>();
    private final long submittedNanos;
    private long serial = -1;
    private int live;
    private boolean ended;
    private int overtaken;
    private int cachedTokens;
    private long startedNanos = NEVER;
    private long firstTokenNanos = NEVER;
    private long endedNanos = NEVER;

    /**
     * A request that is ready to be submitted.
     *
     * @param prompt at least one token; not changed later
     * @param lease the adapter, or null; whoever owns the request closes it after the end
     * @param now the engine's time
     */
    public SequenceGroup(
            int[] prompt, GroupSettings settings, @Nullable AdapterLease lease, GroupListener listener, long now) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("an empty prompt");
        }
        this.prompt = prompt;
        this.settings = settings;
        this.lease = lease;
        this.listener = listener;
        this.submittedNanos = now;
        for (int choice = 0; choice < settings.sampling().size(); choice++) {
            sequences.add(new Sequence(this, choice));
        }
        live = sequences.size();
    }

    /** Makes what the sampler needs to remember. Engine thread only, as all below. */
    void prepare(Sampler sampler) {
        for (Sequence sequence : sequences) {
            sequence.sampling(sampler.newState(settings.sampling().get(sequence.choice())));
        }
    }

    /** The first tokens of all its sequences. */
    int[] prompt() {
        return prompt;
    }

    GroupSettings settings() {
        return settings;
    }

    @Nullable
    AdapterLease lease() {
        return lease;
    }

    /** The adapter's id, 0 for the base model. */
    public long adapterId() {
        return lease == null ? 0 : lease.id();
    }

    GroupListener listener() {
        return listener;
    }

    List<Sequence> sequences() {
        return sequences;
    }

    /** Its place in the order of arrival. */
    long serial() {
        return serial;
    }

    void serial(long value) {
        serial = value;
    }

    /** The most tokens of a sequence whose keys and values are ever kept: the last one chosen is not computed. */
    int maxCached() {
        return prompt.length + settings.maxTokens() - 1;
    }

    /** Where scoring the prompt goes on, {@code prompt().length} when it is done or wasn't asked for. */
    int nextScore() {
        GroupSettings.Scoring scoring = settings.scoring();
        return scoring == null ? prompt.length : Math.min(prompt.length, scoring.from() + scores.size());
    }

    void addScore(SampledToken score) {
        scores.add(score);
    }

    /** Whether the other sequences may start: they find the first one's blocks in the prefix cache. */
    boolean promptIsComputed() {
        Sequence first = sequences.getFirst();
        return first.hasEnded() || first.generated() > 0;
    }

    boolean isStarted() {
        return startedNanos != NEVER;
    }

    void start(long now, int cached) {
        startedNanos = now;
        cachedTokens = cached;
    }

    void tokenChosen(long now) {
        if (firstTokenNanos == NEVER) {
            firstTokenNanos = now;
        }
    }

    /** How many later requests were started while there was no room for its adapter. */
    int overtaken() {
        return overtaken;
    }

    void overtake() {
        overtaken++;
    }

    /** Notes that one of its sequences has ended; true if it was the last. */
    boolean endOne() {
        return --live == 0;
    }

    boolean hasEnded() {
        return ended;
    }

    void end(long now) {
        ended = true;
        endedNanos = now;
    }

    /** How many of the prompt's tokens were found in the prefix cache. */
    public int cachedTokens() {
        return cachedTokens;
    }

    /** The scores of the prompt's tokens. */
    public List<SampledToken> scores() {
        return scores;
    }

    /** Nanoseconds from the submission to the first step, or to the end if there was none. */
    public long queuedNanos() {
        return since(startedNanos);
    }

    /** Nanoseconds from the submission to the first token, or to the end if there was none. */
    public long firstTokenNanos() {
        return since(firstTokenNanos);
    }

    /** Nanoseconds from the submission to the end. */
    public long totalNanos() {
        return endedNanos - submittedNanos;
    }

    private long since(long time) {
        return (time == NEVER ? endedNanos : time) - submittedNanos;
    }

    long submittedNanos() {
        return submittedNanos;
    }

    @Override
    public String toString() {
        return "request " + serial + " " + Arrays.toString(Arrays.copyOf(prompt, Math.min(8, prompt.length)));
    }
}
