package lorikeet.runtime;

/** Receives tokens as they are generated, on the thread that generates. */
@FunctionalInterface
public interface TokenListener {
    /** Ignores all tokens. */
    TokenListener NONE = event -> true;

    /**
     * Called for each token of each choice; should return soon, because the model waits.
     *
     * @return false to cancel this choice
     */
    boolean onToken(TokenEvent event);
}
