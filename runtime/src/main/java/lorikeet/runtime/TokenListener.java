package lorikeet.runtime;

/**
 * Receives tokens as they are generated, and the end. All calls come from the engine's thread, so they must return
 * soon and wait for nothing: every other request waits meanwhile. One of {@link #onEnd} and {@link #onFailure} is called,
 * once, and it is the last call.
 */
@FunctionalInterface
public interface TokenListener {
    /** Ignores all tokens. */
    TokenListener NONE = event -> true;

    /**
     * Called for each token of each choice. If it throws, the request fails.
     *
     * @return false to cancel this choice
     */
    boolean onToken(TokenEvent event);

    /** The request is done; some or all of its choices may have been cancelled. */
    default void onEnd(Answer answer) {}

    /** The request ended without an answer. */
    default void onFailure(LorikeetException failure) {}
}
