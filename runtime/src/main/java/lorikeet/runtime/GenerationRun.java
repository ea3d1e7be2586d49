package lorikeet.runtime;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import lorikeet.kernels.SampledToken;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.Engine;
import lorikeet.runtime.engine.GroupListener;
import lorikeet.runtime.engine.SequenceGroup;
import lorikeet.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * One submitted request on its way through the engine: turns its tokens into text, decides when its choices end, and
 * closes its lease whatever ends it. Text is made on the engine's thread, because a stop string decides whether there is
 * a next token; it takes a few microseconds a token.
 */
final class GenerationRun implements GroupListener {
    private static final System.Logger LOG = System.getLogger(GenerationRun.class.getName());

    private final List<Integer> prompt;
    private final List<ChoiceInTheMaking> choices = new ArrayList<>();
    private final int place;
    private final TokenListener listener;
    private final @Nullable LogitsSink sink;
    private final @Nullable AdapterLease lease;
    private final SequenceGroup group;
    private final Generation generation;

    /**
     * A run that is ready to be submitted.
     *
     * @param place the request's place in a list of requests, for events
     * @param prepared the request with its tokens and its lease, which this run closes at its end
     */
    GenerationRun(
            Engine engine,
            PreparedRequest prepared,
            int place,
            Tokenizer tokenizer,
            Set<Integer> endTokens,
            TokenListener listener,
            @Nullable LogitsSink sink) {
        this.place = place;
        this.sink = sink;
        this.prompt = Arrays.stream(prepared.tokens()).boxed().toList();
        this.listener = listener;
        this.lease = prepared.lease();
        for (int choice = 0; choice < prepared.settings().sampling().size(); choice++) {
            choices.add(new ChoiceInTheMaking(
                    prepared.request(),
                    prepared.settings().maxTokens(),
                    place,
                    choice,
                    tokenizer,
                    endTokens,
                    listener));
        }
        this.group = new SequenceGroup(prepared.tokens(), prepared.settings(), lease, this, prepared.submittedNanos());
        this.generation = new Generation(() -> engine.cancel(group));
    }

    /** After it is submitted: ends it when its adapter is unloaded without waiting for it. */
    void watchLease(Engine engine) {
        if (lease != null) {
            String name = lease.name();
            lease.onAbort(() -> engine.abort(
                    group, new LorikeetException(ErrorCode.ABORTED, "the adapter " + name + " was unloaded")));
        }
    }

    SequenceGroup group() {
        return group;
    }

    Generation generation() {
        return generation;
    }

    @Override
    public boolean onToken(int choice, SampledToken token) {
        return choices.get(choice).onToken(token);
    }

    @Override
    public void onLogits(int choice, float[] logits) {
        if (sink != null) {
            sink.onLogits(place, logits);
        }
    }

    @Override
    public void onEnd() {
        closeLease();
        Answer answer = new Answer(
                prompt, choices.stream().map(ChoiceInTheMaking::choice).toList(), group.scores(), usage());
        try {
            listener.onEnd(answer);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.WARNING, "a listener failed at the end of a request", e);
        } finally {
            generation.complete(answer);
        }
    }

    @Override
    public void onFailure(LorikeetException failure) {
        closeLease();
        try {
            listener.onFailure(failure);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.WARNING, "a listener failed at the end of a request", e);
        } finally {
            generation.fail(failure);
        }
    }

    private Answer.Usage usage() {
        return new Answer.Usage(
                group.adapterId(),
                group.cachedTokens(),
                Duration.ofNanos(group.queuedNanos()),
                Duration.ofNanos(group.firstTokenNanos()),
                Duration.ofNanos(group.totalNanos()));
    }

    private void closeLease() {
        if (lease != null) {
            lease.close();
        }
    }
}
