package lorikeet.runtime.server.http;

import java.io.IOException;

/** Answers calls, each on a thread of its own, so it may wait. */
@FunctionalInterface
public interface Endpoint {
    /**
     * Answers one call.
     *
     * @throws Refusal for an error that the client should see
     * @throws lorikeet.runtime.LorikeetException likewise; its code decides the status
     * @throws IOException if the client is gone
     * @throws InterruptedException if the client was too slow
     */
    void answer(Call call) throws IOException, InterruptedException;
}
