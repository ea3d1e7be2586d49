package lorikeet.runtime.server;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Collections;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenListener;

/**
 * Makes a few texts before a server listens, so that no client pays for what happens once: code is compiled, memory
 * touched, a device's steps are recorded. They are too short for the prefix cache to keep anything of them.
 */
public final class WarmUp {
    private static final Logger LOG = System.getLogger(WarmUp.class.getName());
    private static final int PROMPT = 6;
    private static final int STEPS = 8;

    /** Compilers need many repetitions, a device that has recorded its steps needs few. */
    private static final Duration TIME = Duration.ofMillis(500);

    private static final Duration LIMIT = Duration.ofSeconds(30);

    private WarmUp() {}

    /** Warms a model up. Where that fails it is logged: clients will be told the same. */
    public static void run(Lorikeet model) throws InterruptedException {
        int prompt = Math.min(PROMPT, Math.max(1, model.contextTokens() / 2));
        Request one = Request.tokens(Collections.nCopies(prompt, 0))
                .maxTokens(Math.min(STEPS, Math.max(1, model.contextTokens() - prompt)))
                .ignoreEnd(true)
                .timeLimit(LIMIT);
        Request two = one.choices(2).sampling(model.recommendedSampling().withTemperature(1));
        long start = System.nanoTime();
        try {
            do {
                model.submit(one, TokenListener.NONE).await();
                model.submit(two, TokenListener.NONE).await();
            } while (System.nanoTime() - start < TIME.toNanos());
        } catch (LorikeetException e) {
            LOG.log(Level.WARNING, "warming up failed: " + e.getMessage());
        }
    }
}
