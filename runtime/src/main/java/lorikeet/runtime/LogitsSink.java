package lorikeet.runtime;

/** Receives logits before a token is chosen from them, on the engine's thread. */
@FunctionalInterface
interface LogitsSink {
    /**
     * Called once for each request that runs for one token.
     *
     * @param request its place in the list of requests
     */
    void onLogits(int request, float[] logits);
}
