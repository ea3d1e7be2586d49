package lorikeet.runtime;

import java.util.function.Supplier;
import lorikeet.runtime.adapter.AdapterVersion;
import org.jspecify.annotations.Nullable;

/**
 * The engine of a model, made at its first use: its memory for activations is not small, and a model that is only looked
 * at needs none. Owns it. Safe for use by several threads.
 */
final class EngineOnDemand implements AutoCloseable {
    private final Supplier<ModelEngine> maker;
    private @Nullable ModelEngine engine;
    private volatile boolean admitting = true;
    private boolean closed;

    /** An engine that {@code maker} makes, once. */
    EngineOnDemand(Supplier<ModelEngine> maker) {
        this.maker = maker;
    }

    /**
     * The engine.
     *
     * @throws LorikeetException ABORTED once nothing is admitted any more
     */
    synchronized ModelEngine get() {
        if (!admitting) {
            throw new LorikeetException(ErrorCode.ABORTED, "the model is closed or shutting down");
        }
        ModelEngine made = engine;
        if (made == null) {
            made = maker.get();
            engine = made;
        }
        return made;
    }

    private synchronized @Nullable ModelEngine made() {
        return engine;
    }

    /** Lets {@link #get} refuse from now on. Returns at once, also while the engine is being made. */
    void stopAdmitting() {
        admitting = false;
    }

    /** Gives up what there is of an adapter that is gone. Loading it took an engine, which may have ended since then. */
    void retire(AdapterVersion version) {
        ModelEngine made = made();
        if (made == null) {
            throw new IllegalStateException("an adapter that no engine has loaded");
        }
        made.retire(version);
    }

    Stats stats() {
        ModelEngine made = made();
        return made == null ? Stats.NONE : made.stats();
    }

    /** Refuses to let the engine's own thread wait for what only it can bring about. */
    void checkMayWait() {
        ModelEngine made = made();
        if (made != null && made.isCurrentThread()) {
            throw new IllegalStateException("a listener must not wait for the engine that calls it");
        }
    }

    /** Marks the engine as closed; true the first time. */
    synchronized boolean beginClosing() {
        admitting = false;
        boolean first = !closed;
        closed = true;
        return first;
    }

    /** Ends all requests and gives the engine's memory back. */
    @Override
    public void close() {
        beginClosing();
        ModelEngine made = made();
        if (made != null) {
            made.close();
        }
    }
}
