package lorikeet.runtime;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.GroupSettings;
import lorikeet.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Takes requests in: makes tokens of their prompts, borrows their adapters, and hands them to the engine. */
final class Intake {
    /** How long a request without time limits waits for room for its adapter. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Lorikeet owner;
    private final Supplier<ModelEngine> engines;
    private final Prompts prompts;
    private final RequestChecker checker;
    private final Adapters adapters;
    private final Tokenizer tokenizer;
    private final Set<Integer> endTokens;

    /**
     * The intake of a model.
     *
     * @param owner whose adapters requests may name
     * @param engines gives the engine; ABORTED once the model admits nothing any more
     * @param endTokens the model's own
     */
    Intake(
            Lorikeet owner,
            Supplier<ModelEngine> engines,
            Prompts prompts,
            RequestChecker checker,
            Adapters adapters,
            Tokenizer tokenizer,
            Set<Integer> endTokens) {
        this.owner = owner;
        this.engines = engines;
        this.prompts = prompts;
        this.checker = checker;
        this.adapters = adapters;
        this.tokenizer = tokenizer;
        this.endTokens = endTokens;
    }

    /**
     * Submits requests, together if there is room for all of their adapters at a time. Else those that have theirs go
     * first, and the others wait here for what those hold.
     *
     * @param sink is shown the logits, or null
     * @param bounded whether they may be refused because too many wait already
     * @throws LorikeetException why one of them is refused; none of them goes on then
     */
    List<Generation> submit(
            List<Request> requests, TokenListener listener, @Nullable LogitsSink sink, boolean bounded) {
        ModelEngine engine = engines.get();
        List<PreparedRequest> prepared = new ArrayList<>();
        for (Request request : requests) {
            prepared.add(prepare(request, sink != null, engine.engine().now()));
        }
        List<Generation> submitted = new ArrayList<>();
        boolean done = false;
        try {
            for (int i = 0; i < prepared.size(); i++) {
                if (submitted.size() < i && !tryToLease(prepared.get(i))) {
                    start(engine, prepared.subList(0, i), submitted, listener, sink, bounded);
                }
                if (submitted.size() == i) {
                    // The engine's thread must not wait for what only it can bring about.
                    lease(prepared.get(i), engine.isCurrentThread() ? Duration.ZERO : patience(prepared.get(i)));
                }
            }
            start(engine, prepared, submitted, listener, sink, bounded);
            done = true;
            return submitted;
        } finally {
            if (!done) {
                prepared.subList(submitted.size(), prepared.size()).forEach(PreparedRequest::close);
                new JointGeneration(submitted).cancel();
            }
        }
    }

    private PreparedRequest prepare(Request request, boolean wantsLogits, long now) {
        Adapter adapter = request.adapter();
        if (adapter != null && adapter.owner() != owner) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST, "the adapter " + adapter.name() + " belongs to another model");
        }
        int[] tokens = tokens(request);
        return new PreparedRequest(request, tokens, checker.settings(request, tokens.length, wantsLogits), now);
    }

    private int[] tokens(Request request) {
        try {
            return prompts.tokens(request.prompt());
        } catch (IllegalStateException e) {
            ModelEngine _ = engines.get(); // ABORTED, if the tokenizer was closed meanwhile
            throw e;
        }
    }

    private boolean tryToLease(PreparedRequest prepared) {
        try {
            lease(prepared, Duration.ZERO);
            return true;
        } catch (LorikeetException e) {
            if (e.code() == ErrorCode.NO_ROOM) {
                return false;
            }
            throw e;
        }
    }

    private void lease(PreparedRequest prepared, Duration patience) {
        String name = prepared.request().adapterName();
        if (name != null) {
            Adapter adapter = prepared.request().adapter();
            AdapterLease lease = adapter == null ? adapters.lend(name, patience) : adapters.lend(adapter.version());
            prepared.lease(lease);
        }
    }

    /** How long a request may wait for room for its adapter: as long as it may wait for its start. */
    private static Duration patience(PreparedRequest prepared) {
        GroupSettings settings = prepared.settings();
        long nanos = LongStream.of(settings.queueNanos(), settings.timeNanos())
                .filter(limit -> limit > 0)
                .min()
                .orElse(PATIENCE.toNanos());
        return Duration.ofNanos(nanos);
    }

    /** Starts those that are not yet among the submitted. */
    private void start(
            ModelEngine engine,
            List<PreparedRequest> prepared,
            List<Generation> submitted,
            TokenListener listener,
            @Nullable LogitsSink sink,
            boolean bounded) {
        List<GenerationRun> runs = new ArrayList<>();
        for (int i = submitted.size(); i < prepared.size(); i++) {
            runs.add(new GenerationRun(engine.engine(), prepared.get(i), i, tokenizer, endTokens, listener, sink));
        }
        engine.engine().submit(runs.stream().map(GenerationRun::group).toList(), bounded);
        runs.forEach(run -> submitted.add(run.generation()));
        runs.forEach(run -> run.watchLease(engine.engine()));
    }
}
