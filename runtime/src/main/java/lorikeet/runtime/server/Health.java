package lorikeet.runtime.server;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenListener;
import lorikeet.runtime.server.http.Call;

/** Tells load balancers whether to send work here: status 200, or 503. */
final class Health {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final byte[] NOTHING = new byte[0];

    private final Lorikeet model;
    private final ReentrantLock oneAtATime = new ReentrantLock();
    private volatile boolean draining;

    Health(Lorikeet model) {
        this.model = model;
    }

    /** From now on no work is wanted. */
    void drain() {
        draining = true;
    }

    /** {@code GET /health}. */
    void health(Call call) throws IOException {
        call.respond(draining ? 503 : 200, "text/plain", NOTHING);
    }

    /** {@code GET /health_generate}: makes one token. Those who ask at once take turns. */
    void generate(Call call) throws IOException, InterruptedException {
        boolean healthy = false;
        if (!draining) {
            oneAtATime.lockInterruptibly();
            try {
                healthy = makesATokenOrIsBusy();
            } finally {
                oneAtATime.unlock();
            }
        }
        call.respond(healthy ? 200 : 503, "text/plain", NOTHING);
    }

    private boolean makesATokenOrIsBusy() throws InterruptedException {
        Request request =
                Request.tokens(List.of(0)).maxTokens(1).ignoreEnd(true).timeLimit(LIMIT);
        try {
            model.submit(request, TokenListener.NONE).await();
            return true;
        } catch (LorikeetException e) {
            return e.code() == ErrorCode.NO_ROOM;
        }
    }
}
