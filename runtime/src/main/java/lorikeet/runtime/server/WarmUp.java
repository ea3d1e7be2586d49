package lorikeet.runtime.server;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenListener;

/**
 * Makes a few tokens before a server listens, so that no client pays for what happens once: code is compiled, memory
 * touched, a device's steps are recorded. Too few for the prefix cache to keep anything.
 */
public final class WarmUp {
    private static final Logger LOG = System.getLogger(WarmUp.class.getName());
    private static final int PROMPT = 6;
    private static final int STEPS = 8;
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private WarmUp() {}

    /** Warms a model up. Where that fails it is logged: clients will be told the same. */
    public static void run(Lorikeet model) throws InterruptedException {
        int prompt = Math.min(PROMPT, Math.max(1, model.contextTokens() / 2));
        int steps = Math.min(STEPS, Math.max(1, model.contextTokens() - prompt));
        List<Integer> tokens = Collections.nCopies(prompt, 0);
        try {
            model.submit(Request.tokens(tokens).maxTokens(steps).ignoreEnd(true).timeLimit(LIMIT), TokenListener.NONE)
                    .await();
        } catch (LorikeetException e) {
            LOG.log(Level.WARNING, "warming up failed: " + e.getMessage());
        }
    }
}
